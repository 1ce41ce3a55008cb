//! `switchboard import`: data from elsewhere.

use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, Subcommand};

use crate::config::Layers;
use crate::control::command::{Address, Command};
use crate::domain::clock;
use crate::store::Source;

#[derive(Subcommand)]
pub enum Import {
    /// Closed conversations: out of a file, one a line, {"id", "turns": [{"role": "user"|"assistant", "content"}]}, or out
    /// of the database of an older desk
    Conversations {
        /// A JSONL file, or the address of a database
        #[arg(value_name = "FILE|URL")]
        from: String,
        #[command(flatten)]
        elsewhere: Elsewhere,
        #[arg(long, default_value = "default")]
        workspace: String,
        /// Only see whether it is fit
        #[arg(long, action = ArgAction::SetTrue)]
        dry_run: bool,
    },
    /// Documents to answer from: Markdown, HTML, text and PDF. Again, it updates what has changed and, of a folder,
    /// deletes what is gone from it
    Knowledge {
        /// A file or a folder
        path: PathBuf,
        #[arg(long, default_value = "default")]
        workspace: String,
        /// The topic collection that they belong to
        #[arg(long)]
        topic: Option<String>,
        /// Only say what would be done
        #[arg(long, action = ArgAction::SetTrue)]
        dry_run: bool,
    },
    /// What is known of people: insights of an older deployment (JSON, JSONL), and rows out of a warehouse (JSONL, CSV) with
    /// contact, source type and text. Again, it takes in only what is new
    Insights {
        /// A file or a folder
        path: PathBuf,
        #[arg(long, default_value = "default")]
        workspace: String,
        /// The file that contacts which change are written to as they were, instead of one in the current folder
        #[arg(long)]
        backup: Option<PathBuf>,
        /// Only say what would be done
        #[arg(long, action = ArgAction::SetTrue)]
        dry_run: bool,
    },
    /// The memory that an older desk kept in ChromaDB. Again, it goes on where it stopped
    Chroma {
        /// A folder of a persistent ChromaDB, with its chroma.sqlite3
        path: PathBuf,
        /// A JSON file of the traces that its records belong to
        #[arg(long, value_name = "FILE")]
        traces: Option<PathBuf>,
        #[arg(long, default_value = "default")]
        workspace: String,
        /// Only say what would be done
        #[arg(long, action = ArgAction::SetTrue)]
        dry_run: bool,
    },
    /// All of an older desk: people, conversations, messages, turns, requests, knowledge, insights and memories out of its
    /// database, which is only read. Again, it goes on where it stopped
    Deployment {
        /// The address of its database; PGPASSWORD and its like fill in what it leaves open
        url: String,
        #[command(flatten)]
        elsewhere: Elsewhere,
        #[arg(long, default_value = "default")]
        workspace: String,
        /// The file that contacts which change are written to as they were, instead of one in the current folder
        #[arg(long)]
        backup: Option<PathBuf>,
        /// Only say what would be done
        #[arg(long, action = ArgAction::SetTrue)]
        dry_run: bool,
    },
}

#[derive(Args)]
pub struct Elsewhere {
    /// The schema of the other database
    #[arg(long, default_value = "public")]
    schema: String,
    /// What to call the older desk, where another one of the same database name comes over too: ids that are no UUIDs follow
    /// from it
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

impl Import {
    pub fn errand(self, layers: &Layers) -> anyhow::Result<Command> {
        Ok(match self {
            Self::Conversations { from, elsewhere, workspace, dry_run } => {
                if is_address(&from) {
                    return deployment(layers, from, elsewhere, workspace, None, true, dry_run);
                }
                Command::ImportConversations { path: std::path::absolute(from)?, workspace, dry_run }
            }
            Self::Knowledge { path, workspace, topic, dry_run } => {
                Command::ImportKnowledge { path: std::path::absolute(path)?, workspace, topic, dry_run }
            }
            Self::Insights { path, workspace, backup, dry_run } => Command::ImportInsights {
                path: std::path::absolute(path)?,
                workspace,
                backup: std::path::absolute(backup.unwrap_or_else(backup_name))?,
                dry_run,
            },
            Self::Chroma { path, traces, workspace, dry_run } => Command::ImportChroma {
                path: std::path::absolute(path)?,
                traces: traces.map(std::path::absolute).transpose()?,
                workspace,
                dry_run,
            },
            Self::Deployment { url, elsewhere, workspace, backup, dry_run } => {
                return deployment(layers, url, elsewhere, workspace, backup, false, dry_run);
            }
        })
    }
}

fn deployment(
    layers: &Layers,
    url: String,
    elsewhere: Elsewhere,
    workspace: String,
    backup: Option<PathBuf>,
    only_conversations: bool,
    dry_run: bool,
) -> anyhow::Result<Command> {
    let Elsewhere { schema, source } = elsewhere;
    Ok(Command::ImportDeployment {
        address: Address { url, variables: layers.pg_env() },
        schema,
        source,
        workspace,
        backup: std::path::absolute(backup.unwrap_or_else(backup_name))?,
        only_conversations,
        dry_run,
    })
}

/// A file may be called anything; only what is none is an address.
fn is_address(text: &str) -> bool {
    matches!(text.parse(), Ok(Source::Url(_))) && !Path::new(text).exists()
}

/// Of this moment, in the folder where the command was given.
fn backup_name() -> PathBuf {
    format!("insights-before-{}.jsonl", clock::now().format("%Y%m%d-%H%M%S")).into()
}
