//! `switchboard webhook`: where a workspace is told of what happens.

use clap::Subcommand;
use uuid::Uuid;

use crate::control::command::Command;

#[derive(Subcommand)]
pub enum Webhook {
    /// Make one; the last line is the secret that signs what it is sent
    Add {
        /// Where to: public, and https unless the server allows private addresses
        url: String,
        #[arg(long, default_value = "default")]
        workspace: String,
        /// Signed as Standard Webhooks has it, or a sentence for Slack
        #[arg(long, default_value = "standard", value_parser = ["standard", "slack"])]
        kind: String,
        /// Only these events, such as `escalation.created`; may be repeated
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<String>,
    },
    /// Show all
    List {
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Switch one on or off; what waits for it goes on waiting
    Set {
        id: Uuid,
        #[arg(long, value_name = "on|off", value_parser = ["on", "off"])]
        enabled: String,
    },
    /// Take one away, with what was on its way to it
    Remove { id: Uuid },
    /// Send a test, and say what came of it
    Test { id: Uuid },
    /// Show what was given up after a day
    Dead {
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Have what was given up tried for another day
    Replay {
        /// Of one event, by its `webhook-id`
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        event: Option<Uuid>,
        /// Everything
        #[arg(long)]
        all: bool,
        #[arg(long)]
        workspace: Option<String>,
    },
}

impl Webhook {
    pub fn errand(self) -> Command {
        match self {
            Self::Add { url, workspace, kind, events } => {
                Command::WebhookAdd { workspace, url, kind, events }
            }
            Self::List { workspace } => Command::WebhookList { workspace },
            Self::Set { id, enabled } => Command::WebhookSet { id, enabled: enabled == "on" },
            Self::Remove { id } => Command::WebhookRemove { id },
            Self::Test { id } => Command::WebhookTest { id },
            Self::Dead { workspace } => Command::WebhookDead { workspace },
            Self::Replay { event, all: _, workspace } => Command::WebhookReplay { workspace, event },
        }
    }
}
