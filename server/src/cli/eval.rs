//! `switchboard eval`: what a preset's intents and a set of pages are worth, on files of one's own.
//!
//! Invariant: standard output is one line of JSON; what else is worth knowing goes to standard error.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::complain;
use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::brain::eval::{Labelled, Sets, intents};
use crate::brain::local::follow_up;
use crate::config::{self, Layers};
use crate::domain::message::Role;
use crate::domain::turn::Said;
use crate::search::embedder::{EmbedError, Embedder};
use crate::search::eval::{Page, Question, retrieval};
use crate::search::model::{self, Model};

#[derive(Subcommand)]
pub enum Eval {
    /// How well intents are told apart, and questions that have none refused: CSV with the columns `text,label`
    Intents {
        /// To learn from
        #[arg(long, value_name = "F.csv")]
        train: PathBuf,
        /// To be tested on
        #[arg(long, value_name = "F.csv")]
        test: PathBuf,
        /// Questions with none of the intents, to be tested on: one column, `text`
        #[arg(long, value_name = "F.csv")]
        oos: Option<PathBuf>,
        /// To choose the threshold with; without, it is a half
        #[arg(long, value_name = "F.csv", requires = "val_oos")]
        val: Option<PathBuf>,
        /// Questions with none of the intents, to choose the threshold with
        #[arg(long, value_name = "F.csv", requires = "val")]
        val_oos: Option<PathBuf>,
        /// Measure the words alone, without the embedding model
        #[arg(long)]
        no_model: bool,
    },
    /// How well questions find their pages: JSONL of `{"id","title","text"}` and of `{"q","doc_id"}`
    Retrieval {
        #[arg(long, value_name = "F.jsonl")]
        docs: PathBuf,
        #[arg(long, value_name = "F.jsonl")]
        queries: PathBuf,
        /// Measure the words alone, without the embedding model
        #[arg(long)]
        no_model: bool,
    },
    /// How many questions a second the embedding thread takes: JSONL of conversations, `{"turns":[{"role","content"}]}`
    Embedding {
        #[arg(long, value_name = "F.jsonl")]
        conversations: PathBuf,
        /// So long the visitors' turns are embedded, one conversation after the other, from the first again at the end
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
        seconds: u64,
    },
}

#[derive(Deserialize)]
struct Conversation {
    turns: Vec<Spoken>,
}

#[derive(Deserialize)]
struct Spoken {
    role: String,
    content: String,
}

impl Conversation {
    /// What a turn of the agent embeds at least: each question as it reads to somebody who has not seen what came before.
    /// Of one that leans, the turn embeds it alone as well.
    fn asked(&self) -> Vec<String> {
        let (mut history, mut asked) = (Vec::new(), Vec::new());
        for Spoken { content, .. } in self.turns.iter().filter(|turn| turn.role == "user") {
            let leans_on = follow_up(content, &history).filter(|follow_up| follow_up.is_sure);
            asked.push(leans_on.map_or_else(|| content.clone(), |follow_up| follow_up.in_context));
            history.push(Said { role: Role::User, content: content.clone() });
        }
        asked
    }
}

#[derive(Serialize)]
struct Pace {
    texts: usize,
    texts_per_second: f64,
}

/// Runs one evaluation with the model of this machine, brought first where it is missing.
pub fn begin(eval: &Eval, layers: &Layers) -> anyhow::Result<ExitCode> {
    tokio::task::block_in_place(|| {
        run(eval, || {
            fetch(layers, None)?;
            Ok(Embedder::load(model_of(layers)?.folder())?)
        })
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Brings the model to this machine, unless it is there.
pub fn fetch(layers: &Layers, from: Option<&Path>) -> anyhow::Result<ExitCode> {
    let model = model_of(layers)?;
    model.fetch(from, &mut |stage| complain(&format!("the embedding model: {stage:?}").to_lowercase()))?;
    complain(&format!("the embedding model is in {}", model.folder().display()));
    Ok(ExitCode::SUCCESS)
}

fn model_of(layers: &Layers) -> anyhow::Result<Model> {
    Ok(Model::at(config::model_dir(layers)?.join(model::FOLDER)))
}

/// `model` loads the embedder, and brings the weights first where they are missing.
fn run(eval: &Eval, model: impl FnOnce() -> anyhow::Result<Embedder>) -> anyhow::Result<()> {
    match eval {
        Eval::Intents { train, test, oos, val, val_oos, no_model } => {
            let optional = |path: &Option<PathBuf>| {
                path.as_deref().map(table).transpose().map(Option::unwrap_or_default)
            };
            let texts = |rows: Vec<Labelled>| rows.into_iter().map(|row| row.text).collect();
            let sets = Sets {
                train: labelled(train)?,
                test: labelled(test)?,
                elsewhere: texts(optional(oos)?),
                validation: val.as_deref().map(labelled).transpose()?.unwrap_or_default(),
                validation_elsewhere: texts(optional(val_oos)?),
            };
            let embedder = if *no_model { None } else { Some(model()?) };
            let embed = embedder.as_ref().map(blocking);
            let (report, threshold) = intents(&sets, embed.as_ref().map(|embed| embed as _))?;
            if report.oos_recall.is_some() {
                eprintln!("the threshold is {threshold:.3}");
            }
            print(&report)
        }
        Eval::Retrieval { docs, queries, no_model } => {
            let (pages, questions): (Vec<Page>, Vec<Question>) = (lines(docs)?, lines(queries)?);
            let embedder = if *no_model { None } else { Some(model()?) };
            let embed = embedder.as_ref().map(blocking);
            print(&retrieval(&pages, &questions, embed.as_ref().map(|embed| embed as _))?)
        }
        Eval::Embedding { conversations, seconds } => {
            let asked: Vec<String> =
                lines::<Conversation>(conversations)?.iter().flat_map(Conversation::asked).collect();
            print(&pace(&model()?, &asked, Duration::from_secs(*seconds))?)
        }
    }
}

/// As many at once as the thread takes in, so that it never waits.
fn pace(embedder: &Embedder, asked: &[String], within: Duration) -> anyhow::Result<Pace> {
    const AT_ONCE: usize = 256;
    if asked.is_empty() {
        bail!("there is no turn of a visitor in it");
    }
    let (begin, mut texts) = (Instant::now(), 0);
    for some in asked.chunks(AT_ONCE).cycle() {
        if begin.elapsed() >= within {
            break;
        }
        texts += embedder.embed_blocking(some.to_vec())?.len();
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of texts")]
    let texts_per_second = texts as f64 / begin.elapsed().as_secs_f64();
    Ok(Pace { texts, texts_per_second })
}

fn blocking(
    embedder: &Embedder,
) -> impl Fn(Vec<String>) -> Result<Vec<crate::domain::vector::Vector>, EmbedError> {
    |texts| embedder.embed_blocking(texts)
}

fn print(report: &impl Serialize) -> anyhow::Result<()> {
    let line = serde_json::to_string(report).context("writing the report as JSON")?;
    writeln!(io::stdout(), "{line}").context("writing to standard output")
}

fn labelled(path: &Path) -> anyhow::Result<Vec<Labelled>> {
    let rows = table(path)?;
    if let Some(at) = rows.iter().position(|row| row.label.is_empty()) {
        bail!("{}: row {} has no label", path.display(), at + 1);
    }
    Ok(rows)
}

/// The columns `text` and, where it is there, `label`, whatever else the file has.
fn table(path: &Path) -> anyhow::Result<Vec<Labelled>> {
    let named = || format!("reading {}", path.display());
    let mut reader = csv::Reader::from_path(path).with_context(named)?;
    let headers = reader.headers().with_context(named)?;
    let column =
        |name: &str| headers.iter().position(|header| header.trim_start_matches('\u{feff}').trim() == name);
    let Some(text) = column("text") else { bail!("{}: there is no column `text`", path.display()) };
    let label = column("label");
    let read = |row: Result<csv::StringRecord, csv::Error>| {
        let row = row.with_context(named)?;
        let cell = |at: usize| row.get(at).unwrap_or_default().to_owned();
        Ok(Labelled { text: cell(text), label: label.map(cell).unwrap_or_default() })
    };
    reader.records().map(read).collect()
}

fn lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let filled = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    filled
        .map(|(at, line)| {
            serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), at + 1))
        })
        .collect()
}
