//! What a transformer does between its matrix products, each step in one pass over the numbers.
//!
//! Invariant: tensors are f32 and contiguous, tokens by features; texts follow each other without padding. The
//! loops are plain Rust, compiled for several processors (`wide!`).

use candle_core::{CpuStorage, CustomOp1, Error, InplaceOp1, InplaceOp2, Layout, Result, Shape};

use crate::domain::vector::{dot, wide};

/// A feed-forward layer's bias and its bend: `gelu(x + bias)`.
pub(super) struct BiasGelu {
    pub bias: Vec<f32>,
}

/// The end of each half layer: `normalise(x + bias + residual) · scale + shift`, where the residual is the second tensor.
pub(super) struct AddNorm {
    pub bias: Vec<f32>,
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
}

/// Self-attention of every text over its own tokens: from queries, keys and values side by side to what was heard.
pub(super) struct Attention<'a> {
    pub bias: &'a [f32],
    /// How many tokens each text has, in order.
    pub lengths: &'a [usize],
    pub heads: usize,
}

/// The width of the loops: two of the widest registers. Rows are padded to it where they vary.
const LANES: usize = 16;

/// The width of a head; a constant, so that the loops over it unroll.
pub(super) const HEAD: usize = 32;

/// As the model was trained.
const EPSILON: f32 = 1e-12;

impl InplaceOp1 for BiasGelu {
    fn name(&self) -> &'static str {
        "bias-gelu"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> Result<()> {
        let values = numbers_mut(storage)?;
        wide!({
            for row in values.chunks_exact_mut(self.bias.len()) {
                for (value, bias) in row.iter_mut().zip(&self.bias) {
                    let x = *value + bias;
                    *value = 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
                }
            }
        });
        Ok(())
    }
}

impl InplaceOp2 for AddNorm {
    fn name(&self) -> &'static str {
        "add-norm"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout, residual: &CpuStorage, _: &Layout) -> Result<()> {
        let values = numbers_mut(storage)?;
        let residual = residual.as_slice::<f32>()?;
        let width = self.bias.len();
        wide!({
            for (row, residual) in values.chunks_exact_mut(width).zip(residual.chunks_exact(width)) {
                for ((value, bias), before) in row.iter_mut().zip(&self.bias).zip(residual) {
                    *value += bias + before;
                }
                normalise(row, &self.scale, &self.shift);
            }
        });
        Ok(())
    }
}

impl CustomOp1 for Attention<'_> {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let input = storage.as_slice::<f32>()?;
        let width = self.heads * HEAD;
        let mut output = vec![0.0; input.len() / 3];
        let longest = self.lengths.iter().copied().max().unwrap_or(0).next_multiple_of(LANES);
        let mut head = Head {
            keys: vec![0.0; HEAD * longest],
            values: vec![[0.0; HEAD]; longest],
            scores: vec![0.0; longest],
        };
        wide!({
            let mut start = 0;
            for &length in self.lengths {
                let rows = &input[start * 3 * width..(start + length) * 3 * width];
                let out = &mut output[start * width..(start + length) * width];
                for at in 0..self.heads {
                    head.attend(rows, self.bias, out, at, width);
                }
                start += length;
            }
        });
        let tokens = output.len() / width;
        Ok((CpuStorage::F32(output), (tokens, width).into()))
    }
}

/// Room for one head of one text.
struct Head {
    /// Features by tokens, so that one query meets all keys in one run through memory.
    keys: Vec<f32>,
    values: Vec<[f32; HEAD]>,
    scores: Vec<f32>,
}

impl Head {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled for the processor that dispatch chose")]
    fn attend(&mut self, rows: &[f32], bias: &[f32], heard: &mut [f32], at: usize, width: usize) {
        let length = rows.len() / (3 * width);
        let padded = length.next_multiple_of(LANES);
        let keys = &mut self.keys[..HEAD * padded];
        let scores = &mut self.scores[..padded];
        let (of_query, of_key, of_value) = (at * HEAD, width + at * HEAD, 2 * width + at * HEAD);

        // The keys' padding holds what an earlier text left there; it is masked below.
        for (token, row) in rows.chunks_exact(3 * width).enumerate() {
            for feature in 0..HEAD {
                keys[feature * padded + token] = row[of_key + feature] + bias[of_key + feature];
                self.values[token][feature] = row[of_value + feature] + bias[of_value + feature];
            }
        }
        for (row, out) in rows.chunks_exact(3 * width).zip(heard.chunks_exact_mut(width)) {
            scores.fill(0.0);
            for feature in 0..HEAD {
                let query = (row[of_query + feature] + bias[of_query + feature]) * SCALE;
                let keys = &keys[feature * padded..(feature + 1) * padded];
                let (scores, _) = scores.as_chunks_mut::<LANES>();
                for (scores, keys) in scores.iter_mut().zip(keys.as_chunks::<LANES>().0) {
                    // On a copy, which the compiler sees to be apart from the keys.
                    let mut sums = *scores;
                    for lane in 0..LANES {
                        sums[lane] += query * keys[lane];
                    }
                    *scores = sums;
                }
            }
            let total = soften(scores, length);
            let mut sum = [0.0_f32; HEAD];
            for (weight, value) in scores[..length].iter().zip(&self.values) {
                for feature in 0..HEAD {
                    sum[feature] += weight * value[feature];
                }
            }
            for feature in 0..HEAD {
                out[of_query + feature] = sum[feature] / total;
            }
        }
    }
}

/// One over the root of `HEAD`.
const SCALE: f32 = 0.176_776_7;

/// Turns the first `length` scores into weights, and returns what they add up to.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor that dispatch chose")]
fn soften(scores: &mut [f32], length: usize) -> f32 {
    let highest = scores[..length].iter().copied().fold(f32::MIN, f32::max);
    scores[length..].fill(f32::MIN);
    let mut sums = [0.0_f32; LANES];
    for chunk in scores.as_chunks_mut::<LANES>().0 {
        for lane in 0..LANES {
            chunk[lane] = exp(chunk[lane] - highest);
            sums[lane] += chunk[lane];
        }
    }
    sums.iter().sum()
}

/// Mean 0 and variance 1, then the learned scale and shift.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor that dispatch chose")]
#[expect(clippy::cast_precision_loss, reason = "rows are a few hundred wide")]
pub(super) fn normalise(row: &mut [f32], scale: &[f32], shift: &[f32]) {
    let width = row.len() as f32;
    let mut sums = [0.0_f32; LANES];
    for chunk in row.as_chunks::<LANES>().0 {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
        }
    }
    let mean = sums.iter().sum::<f32>() / width;
    for value in row.iter_mut() {
        *value -= mean;
    }
    let factor = 1.0 / (dot(row, row) / width + EPSILON).sqrt();
    for ((value, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
        *value = *value * factor * scale + shift;
    }
}

/// The error function, as a quotient of polynomials (Eigen's): right to the last digits of an f32, and without a
/// branch, so that sixteen are computed at once. The library's own costs as much as half of the matrix products.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor that dispatch chose")]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let top = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_6e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    let bottom = [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_474e-2];
    x * polynomial(top, square) / polynomial(bottom, square)
}

/// e to a power that is not above 0; below what an f32 can tell from 0, it is 0.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor that dispatch chose")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the exponents of an f32"
)]
fn exp(x: f32) -> f32 {
    // Two to the power of a whole number is an exponent's bits; the rest, half a power at most, is a short series.
    let power = x.max(-87.0) * std::f32::consts::LOG2_E;
    let whole = (power + 0.5).floor();
    let rest = (power - whole) * std::f32::consts::LN_2;
    let series = polynomial([1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0], rest);
    series * f32::from_bits(((whole as i32 + 127) << 23) as u32)
}

/// From the highest power down.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for the processor that dispatch chose")]
fn polynomial<const N: usize>(factors: [f32; N], x: f32) -> f32 {
    factors.into_iter().fold(0.0, |sum, factor| sum * x + factor)
}

fn numbers_mut(storage: &mut CpuStorage) -> Result<&mut [f32]> {
    match storage {
        CpuStorage::F32(values) => Ok(values),
        _ => Err(Error::Msg("weights are expected as f32".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn the_error_function_is_right_to_six_digits() {
        for (x, right) in [
            (0.0, 0.0),
            (0.1, 0.112_462_92),
            (0.5, 0.520_499_9),
            (1.0, 0.842_700_8),
            (2.5, 0.999_593),
            (9.0, 1.0),
        ] {
            assert!((erf(x) - right).abs() < 2e-6, "{x}: {}", erf(x));
            assert!((erf(-x) + right).abs() < 2e-6, "{x}");
        }
    }

    #[test]
    fn the_exponential_is_right_to_five_digits() {
        for step in 0_u16..2_000 {
            let x = -f32::from(step) / 25.0;
            assert!((exp(x) - x.exp()).abs() <= 1e-5 * x.exp(), "{x}");
        }
        assert!(exp(f32::MIN) < 1e-37);
    }

    #[test]
    fn a_row_is_normalised() {
        let mut row: Vec<f32> = (0_u8..32).map(f32::from).collect();
        normalise(&mut row, &[1.0; 32], &[0.5; 32]);
        assert!((row.iter().sum::<f32>() / 32.0 - 0.5).abs() < 1e-5);
        assert!((row.iter().map(|value| (value - 0.5).powi(2)).sum::<f32>() / 32.0 - 1.0).abs() < 1e-4);
    }

    /// What a text hears does not depend on its neighbours in the batch, nor on padding.
    #[test]
    fn attention_stays_within_a_text() {
        let (heads, width) = (2, 2 * HEAD);
        let row = |seed: u16| -> Vec<f32> {
            (0..192_u16).map(|at| f32::from((at * 7 + seed * 13) % 11) / 11.0).collect()
        };
        let run = |rows: &[u16], lengths: &[usize]| -> Vec<f32> {
            let values: Vec<f32> = rows.iter().flat_map(|seed| row(*seed)).collect();
            let tensor = Tensor::from_vec(values, (rows.len(), 3 * width), &Device::Cpu).unwrap();
            let bias = vec![0.25; 3 * width];
            let heard = tensor.apply_op1_no_bwd(&Attention { bias: &bias, lengths, heads }).unwrap();
            heard.flatten_all().unwrap().to_vec1().unwrap()
        };
        let long: Vec<u16> = (3..21).collect();
        let alone = run(&long, &[18]);
        let beside = run(&[&[1, 2], long.as_slice(), &[5]].concat(), &[2, 18, 1]);
        assert_eq!(beside[2 * width..20 * width], alone);
        // One token hears itself: its own value.
        let itself: Vec<f32> = row(5)[2 * width..].iter().map(|value| value + 0.25).collect();
        for (heard, value) in beside[20 * width..].iter().zip(itself) {
            assert!((heard - value).abs() < 1e-6);
        }
    }
}
