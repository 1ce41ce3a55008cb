//! `switchboard sync`: what is known of people, sent to a system elsewhere.

use clap::{ArgAction, Args, Subcommand};

use crate::control::command::Command;
use crate::domain::sync::SinkKind;

#[derive(Subcommand)]
pub enum Sync {
    /// To a table of Airtable: rows that are there are updated, the others made
    Airtable(Extent),
    /// To the webhook that the settings name, signed
    Webhook(Extent),
}

#[derive(Args)]
pub struct Extent {
    /// One contact
    #[arg(long, value_name = "ID", conflicts_with_all = ["hours_back", "all"], required_unless_present_any = ["hours_back", "all"])]
    contact: Option<String>,
    /// Those that were updated in so many hours
    #[arg(long, value_name = "N", conflicts_with = "all", value_parser = clap::value_parser!(u32).range(1..=87_600))]
    hours_back: Option<u32>,
    /// Everybody
    #[arg(long, action = ArgAction::SetTrue)]
    all: bool,
    /// Only say how many would be sent
    #[arg(long, action = ArgAction::SetTrue)]
    dry_run: bool,
}

impl Sync {
    pub fn errand(self) -> Command {
        let (sink, extent) = match self {
            Self::Airtable(extent) => (SinkKind::Airtable, extent),
            Self::Webhook(extent) => (SinkKind::Webhook, extent),
        };
        let Extent { contact, hours_back, all: _, dry_run } = extent;
        Command::Sync { sink: sink.name().to_owned(), contact, hours_back, dry_run }
    }
}
