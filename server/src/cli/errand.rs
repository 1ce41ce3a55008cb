//! A command for the desk: given to the server that runs on the data folder or, where none does, run here.

use std::process::ExitCode;
use std::sync::Arc;

use super::{complain, say};
use crate::access::passwords::Passwords;
use crate::brain::distiller::Distiller;
use crate::config::{self, Layers, LogConfig, Place};
use crate::control::client::Server;
use crate::control::command::{Answer, Command};
use crate::control::{self, Context, Output};
use crate::notify::Sender;
use crate::store::administration::Administration;
use crate::store::{Database, Source, migrate};
use crate::telemetry;

pub async fn run(command: Command, layers: &Layers) -> anyhow::Result<ExitCode> {
    telemetry::start(&LogConfig::resolve(layers, "warn")?)?;
    let place = Place::resolve(layers)?;
    let mut ended = Ended::default();
    if let Some(server) = Server::find(&place.data).await? {
        server.run(&command, |answer| ended.hear(answer)).await?;
        return Ok(ended.code());
    }
    anyhow::ensure!(
        has_database(&place),
        "there is no database in the folder {} yet: name the folder of one with --data, or start the server once",
        place.data.display()
    );
    let database = Database::start(&place.source, &place.data, &place.database_options()).await?;
    let allow_private_webhooks = config::allow_private_webhooks(layers)?;
    let result = alone(&database, command, allow_private_webhooks, &mut ended).await;
    let stopped = database.stop().await;
    result?;
    stopped?;
    Ok(ended.code())
}

/// Runs the command on a database that no server holds.
pub async fn alone(
    database: &Database,
    command: Command,
    allow_private_webhooks: bool,
    ended: &mut Ended,
) -> anyhow::Result<()> {
    if !matches!(command, Command::Doctor | Command::MigrateStatus) {
        migrate::check(&mut database.connect().await?).await?;
    }
    let administration = Administration::open(database)?;
    let context = Context {
        database: database.clone(),
        administration: administration.clone(),
        passwords: Passwords::start()?,
        changed: Arc::new(|| ()),
        distiller: Distiller::by_rules(),
        sender: Sender::new(allow_private_webhooks)?,
        forget: Arc::new(|_, _| ()),
    };
    let (output, mut answers) = Output::channel();
    let work = async {
        control::run(command, &context, &output).await;
        drop(output);
    };
    let hear = async {
        while let Some(answer) = answers.recv().await {
            ended.hear(answer);
        }
    };
    tokio::join!(work, hear);
    administration.close();
    Ok(())
}

/// False before the first start of a database of our own. One at an address is asked whether it is there.
pub fn has_database(place: &Place) -> bool {
    matches!(place.source, Source::Url(_)) || place.data.join("database-kind").exists()
}

/// How a command came out, by its last answer.
#[derive(Debug, Default)]
pub struct Ended {
    failed: bool,
}

impl Ended {
    pub fn hear(&mut self, answer: Answer) {
        match answer {
            Answer::Line { line } => say(&line),
            Answer::Note { note } => complain(&note),
            #[cfg(feature = "test-hooks")]
            Answer::Rows { .. } => {}
            Answer::Done { failed, .. } => self.failed |= failed,
            Answer::Error { error } => {
                self.failed = true;
                complain(&error);
            }
        }
    }

    pub fn fail(&mut self) {
        self.failed = true;
    }

    pub fn code(&self) -> ExitCode {
        if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
