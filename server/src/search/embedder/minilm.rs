//! all-MiniLM-L6-v2: from texts to vectors, on the thread that calls.
//!
//! Invariant: a text's vector does not depend on what else is in its batch. The texts of a batch stand one after the
//! other in one matrix, so nothing is spent on padding.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{Device, Tensor, safetensors};
use tokenizers::{Tokenizer, TruncationParams};

use super::EmbedError;
use super::kernels::{AddNorm, Attention, BiasGelu, HEAD, normalise};
use crate::domain::vector::{DIMENSIONS, Vector};

/// The model and its tokenizer, read from a folder.
pub(super) struct MiniLm {
    tokenizer: Tokenizer,
    words: Vec<f32>,
    /// A token's place in the text, the constant for "first of two sentences" added.
    places: Vec<f32>,
    scale: Vec<f32>,
    shift: Vec<f32>,
    layers: Vec<Layer>,
}

/// What the model reads of a text.
pub(super) type Tokens = Vec<u32>;

/// More than this of a text is not read.
const MOST_TOKENS: usize = 256;

const LAYERS: usize = 6;

struct Layer {
    /// Query, key and value in one.
    attention: Tensor,
    attention_bias: Vec<f32>,
    heard: Tensor,
    heard_norm: AddNorm,
    wide: Tensor,
    bend: BiasGelu,
    narrow: Tensor,
    narrow_norm: AddNorm,
}

impl MiniLm {
    pub fn load(folder: &Path) -> Result<Self, EmbedError> {
        // The products of a few tokens gain nothing from more threads, and the other processors serve sockets.
        gemm::set_threading_threshold(usize::MAX);
        let tokenizer = tokenizer(&folder.join("tokenizer.json"))?;
        let path = folder.join("model.safetensors");
        let bytes = fs::read(&path).map_err(|error| EmbedError::Unreadable { path: path.clone(), error })?;
        let tensors = safetensors::load_buffer(&bytes, &Device::Cpu)?;
        drop(bytes);
        Self::assemble(tokenizer, &Weights(tensors))
            .map_err(|error| EmbedError::Model(format!("{}: {error}", path.display())))
    }

    fn assemble(tokenizer: Tokenizer, weights: &Weights) -> candle_core::Result<Self> {
        let kind = weights.rows("embeddings.token_type_embeddings")?;
        let mut places = weights.rows("embeddings.position_embeddings")?;
        for place in places.chunks_exact_mut(DIMENSIONS) {
            place.iter_mut().zip(&kind).for_each(|(place, kind)| *place += kind);
        }
        Ok(Self {
            tokenizer,
            words: weights.rows("embeddings.word_embeddings")?,
            places,
            scale: weights.rows("embeddings.LayerNorm")?,
            shift: weights.bias("embeddings.LayerNorm")?,
            layers: (0..LAYERS).map(|at| Layer::assemble(weights, at)).collect::<candle_core::Result<_>>()?,
        })
    }

    /// Cuts a text into what the model knows; what is beyond `MOST_TOKENS` is not read.
    pub fn tokens(&self, text: &str) -> Result<Tokens, EmbedError> {
        // The tokenizer goes through the whole of a text before it cuts; so much of any real one fills the tokens.
        let end = text.char_indices().nth(MOST_TOKENS * 64).map_or(text.len(), |(at, _)| at);
        let read = self
            .tokenizer
            .encode_fast(&text[..end], true)
            .map_err(|error| EmbedError::Model(error.to_string()))?;
        Ok(read.get_ids().to_vec())
    }

    /// One vector a text, in order.
    pub fn vectors(&self, texts: &[Tokens]) -> Result<Vec<Vector>, EmbedError> {
        let lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
        let mut x = self.first(texts)?;
        for layer in &self.layers {
            x = layer.forward(&x, &lengths)?;
        }
        let values: Vec<f32> = x.flatten_all()?.to_vec1()?;
        let mut rows = values.chunks_exact(DIMENSIONS);
        let mean = |length| {
            let mut sum = vec![0.0; DIMENSIONS];
            for row in rows.by_ref().take(length) {
                sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
            }
            // A vector is scaled to length 1, so that the sum does for the mean.
            Vector::from(sum)
        };
        Ok(lengths.into_iter().map(mean).collect())
    }

    fn first(&self, texts: &[Tokens]) -> candle_core::Result<Tensor> {
        let count = texts.iter().map(Vec::len).sum::<usize>();
        let mut values = Vec::with_capacity(count * DIMENSIONS);
        for text in texts {
            for (token, place) in text.iter().zip(self.places.chunks_exact(DIMENSIONS)) {
                let at = *token as usize * DIMENSIONS;
                let from = values.len();
                values.extend(
                    self.words[at..at + DIMENSIONS].iter().zip(place).map(|(word, place)| word + place),
                );
                normalise(&mut values[from..], &self.scale, &self.shift);
            }
        }
        Tensor::from_vec(values, (count, DIMENSIONS), &Device::Cpu)
    }
}

impl Layer {
    fn assemble(weights: &Weights, at: usize) -> candle_core::Result<Self> {
        let name = |part: &str| format!("encoder.layer.{at}.{part}");
        let parts = ["query", "key", "value"].map(|part| name(&format!("attention.self.{part}")));
        let attention: Vec<Tensor> =
            parts.iter().map(|part| weights.matrix(part)).collect::<candle_core::Result<_>>()?;
        let mut attention_bias = Vec::new();
        for part in &parts {
            attention_bias.extend(weights.bias(part)?);
        }
        let norm = |dense: &str, norm: &str| {
            candle_core::Result::Ok(AddNorm {
                bias: weights.bias(&name(dense))?,
                scale: weights.rows(&name(norm))?,
                shift: weights.bias(&name(norm))?,
            })
        };
        Ok(Self {
            attention: Tensor::cat(&attention, 1)?.contiguous()?,
            attention_bias,
            heard: weights.matrix(&name("attention.output.dense"))?,
            heard_norm: norm("attention.output.dense", "attention.output.LayerNorm")?,
            wide: weights.matrix(&name("intermediate.dense"))?,
            bend: BiasGelu { bias: weights.bias(&name("intermediate.dense"))? },
            narrow: weights.matrix(&name("output.dense"))?,
            narrow_norm: norm("output.dense", "output.LayerNorm")?,
        })
    }

    fn forward(&self, x: &Tensor, lengths: &[usize]) -> candle_core::Result<Tensor> {
        let attention = Attention { bias: &self.attention_bias, lengths, heads: DIMENSIONS / HEAD };
        let heard = x.matmul(&self.attention)?.apply_op1_no_bwd(&attention)?.matmul(&self.heard)?;
        heard.inplace_op2(x, &self.heard_norm)?;
        let wide = heard.matmul(&self.wide)?;
        wide.inplace_op1(&self.bend)?;
        let narrow = wide.matmul(&self.narrow)?;
        narrow.inplace_op2(&heard, &self.narrow_norm)?;
        Ok(narrow)
    }
}

/// The file's tensors by name.
struct Weights(HashMap<String, Tensor>);

impl Weights {
    fn get(&self, name: &str) -> candle_core::Result<&Tensor> {
        self.0.get(name).ok_or_else(|| candle_core::Error::Msg(format!("`{name}` is not in the file")))
    }

    /// Input by output, as `x.matmul` wants it.
    fn matrix(&self, name: &str) -> candle_core::Result<Tensor> {
        self.get(&format!("{name}.weight"))?.t()?.contiguous()
    }

    fn rows(&self, name: &str) -> candle_core::Result<Vec<f32>> {
        self.get(&format!("{name}.weight"))?.flatten_all()?.to_vec1()
    }

    fn bias(&self, name: &str) -> candle_core::Result<Vec<f32>> {
        self.get(&format!("{name}.bias"))?.to_vec1()
    }
}

fn tokenizer(path: &Path) -> Result<Tokenizer, EmbedError> {
    let bytes = fs::read(path).map_err(|error| EmbedError::Unreadable { path: path.to_owned(), error })?;
    let wrong = |error: tokenizers::Error| EmbedError::Model(format!("{}: {error}", path.display()));
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(wrong)?;
    // The file asks for 128 tokens, no more and no fewer.
    tokenizer.with_padding(None);
    let truncation = TruncationParams { max_length: MOST_TOKENS, ..TruncationParams::default() };
    tokenizer.with_truncation(Some(truncation)).map_err(wrong)?;
    Ok(tokenizer)
}
