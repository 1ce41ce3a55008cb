//! `switchboard person`: what a desk owes a person who asks for their data.

use clap::Subcommand;

use crate::control::command::Command;

#[derive(Subcommand)]
pub enum Person {
    /// Print all that is stored about a visitor, a line of JSON each
    Export {
        /// Their id, their external id, or their e-mail address
        who: String,
        #[arg(long, default_value = "default")]
        workspace: String,
    },
    /// Take away all that is stored about a visitor, for good
    Erase {
        /// Their id, their external id, or their e-mail address
        who: String,
        #[arg(long, default_value = "default")]
        workspace: String,
    },
}

impl Person {
    pub fn errand(self) -> Command {
        match self {
            Self::Export { who, workspace } => Command::PersonExport { workspace, who },
            Self::Erase { who, workspace } => Command::PersonErase { workspace, who },
        }
    }
}
