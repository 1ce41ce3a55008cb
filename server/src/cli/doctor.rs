//! `switchboard doctor`: what commonly goes wrong, a line each, with how to mend it.
//!
//! Invariant: it changes nothing. Where no database has been made yet, one is made in a scratch folder and removed.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};

use super::errand::{Ended, alone, has_database};
use super::say;
use super::serve::{OTHER_FILES, open_files};
use crate::config::{self, Config, Layers, LogConfig, Place, Secret, create_folder, setting};
use crate::control::client::Server;
use crate::control::command::Command;
use crate::control::doctor::{Check, Verdict};
use crate::store::journal::Journal;
use crate::store::{Database, migrate};
use crate::sync::settings::{self, Settings};
use crate::telemetry;

pub async fn run(layers: &Layers, with_data: bool) -> anyhow::Result<ExitCode> {
    telemetry::start(&LogConfig::resolve(layers, "error")?)?;
    let mut report = Report::default();
    report.add(&settings(layers));
    // What is wrong with it was said with the settings, and without it there is nothing to look at.
    let Ok(place) = Place::resolve(layers) else { return Ok(ExitCode::FAILURE) };
    report.add(&secret(layers, &place.data));
    report.add(&data_folder(&place.data));
    report.add(&room(&place.data));
    if let Ok(Some(journal)) = config::journal(layers, &place.source) {
        report.add(&self::journal(&journal.folder));
    }
    report.add(&files(layers));
    if let Ok(settings) = config::sync(layers)
        && let Some(check) = syncs(&settings)
    {
        report.add(&check);
    }
    match Server::find(&place.data).await {
        Ok(Some(server)) => {
            report.add(&Check::ok("server", "one is running on this data folder, and was asked"));
            report.ask(server, &Command::Doctor).await;
            if with_data && let Ok(Some(server)) = Server::find(&place.data).await {
                report.ask(server, &Command::DoctorData).await;
            }
        }
        Ok(None) => {
            report.add(&port(layers));
            report.examine(&place, with_data).await;
        }
        Err(error) => report.add(&Check::fails("server", error.to_string())),
    }
    Ok(report.ended.code())
}

#[derive(Default)]
struct Report {
    ended: Ended,
}

impl Report {
    fn add(&mut self, check: &Check) {
        say(&check.to_string());
        if check.verdict == Verdict::Fails {
            self.ended.fail();
        }
    }

    async fn ask(&mut self, server: Server, command: &Command) {
        let ended = &mut self.ended;
        if let Err(error) = server.run(command, |answer| ended.hear(answer)).await {
            self.add(&Check::fails("server", error.to_string()));
        }
    }

    /// The checks of the database, without a server.
    async fn examine(&mut self, place: &Place, with_data: bool) {
        let result = if has_database(place) {
            self.examine_own(place, with_data).await
        } else {
            self.rehearse(place).await
        };
        if let Err(error) = result {
            self.add(&Check::fails("database", crate::control::chain(&error)));
        }
    }

    async fn examine_own(&mut self, place: &Place, with_data: bool) -> anyhow::Result<()> {
        let database = Database::start(&place.source, &place.data, &place.database_options()).await?;
        alone(&database, Command::Doctor, Settings::default(), &mut self.ended).await?;
        let is_migrated = migrate::check(&mut database.connect().await?).await.is_ok();
        if with_data && is_migrated {
            alone(&database, Command::DoctorData, Settings::default(), &mut self.ended).await?;
        }
        Ok(database.stop().await?)
    }

    /// What a first start would do, in a folder that is removed again.
    async fn rehearse(&mut self, place: &Place) -> anyhow::Result<()> {
        let scratch = Scratch::make()?;
        let database = Database::start(&place.source, &scratch.0, &place.database_options()).await?;
        migrate::up(&mut database.connect().await?).await?;
        self.add(&Check::ok(
            "first start",
            format!(
                "there is no database in {} yet; one was made elsewhere, for these checks",
                place.data.display()
            ),
        ));
        alone(&database, Command::Doctor, Settings::default(), &mut self.ended).await?;
        Ok(database.stop().await?)
    }
}

/// A folder in the system's place for temporary files, gone when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("switchboard-doctor-{}", std::process::id()));
        create_folder(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn settings(layers: &Layers) -> Check {
    match Config::preview(layers) {
        Err(error) => Check::fails("settings", error.to_string()),
        Ok(_) => match layers.strays().as_slice() {
            [] => Check::ok("settings", "all are understood"),
            strays => Check::warning(
                "settings",
                format!("{}: no setting has this name; `switchboard --help` shows all", strays.join(", ")),
            ),
        },
    }
}

fn secret(layers: &Layers, data: &Path) -> Check {
    let given = layers.get(&setting::JWT_SECRET_KEY);
    let is_given = given.is_some();
    match Secret::standing(given, data) {
        Ok(Some(_)) if is_given => Check::ok("secret", "given, and long enough"),
        Ok(Some(_)) => Check::ok("secret", format!("kept in {}", data.join("secret").display())),
        Ok(None) => {
            Check::ok("secret", "none yet: the first start makes one and keeps it in the data folder")
        }
        Err(error) => Check::fails("secret", error.to_string()),
    }
}

fn data_folder(data: &Path) -> Check {
    let shown = data.display();
    let needed = AccessFlags::W_OK | AccessFlags::X_OK;
    match std::fs::metadata(data) {
        Ok(it) if !it.is_dir() => {
            Check::fails("data folder", format!("{shown} is no folder: name another with --data"))
        }
        Ok(_) if access(data, needed).is_ok() => Check::ok("data folder", format!("{shown} can be written")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match standing_parent(data) {
            Some(parent) if access(&parent, needed).is_ok() => {
                Check::ok("data folder", format!("{shown} is made at the first start"))
            }
            _ => Check::fails(
                "data folder",
                format!("{shown} cannot be made by this user: make it, or name another with --data"),
            ),
        },
        _ => Check::fails(
            "data folder",
            format!("{shown} cannot be written by this user: run as its owner, or change that with chown"),
        ),
    }
}

/// Where messages wait while the database is away.
fn journal(folder: &Path) -> Check {
    let shown = folder.display();
    let needed = AccessFlags::W_OK | AccessFlags::X_OK;
    if !folder.exists() {
        return match standing_parent(folder) {
            Some(parent) if access(&parent, needed).is_ok() => {
                Check::ok("journal", format!("{shown} is made at the first start"))
            }
            _ => Check::fails(
                "journal",
                format!("{shown} cannot be made by this user: make it, or name another with --journal"),
            ),
        };
    }
    match Journal::examine(folder) {
        Err(error) => Check::fails("journal", error.to_string()),
        Ok(_) if access(folder, needed).is_err() => Check::fails(
            "journal",
            format!(
                "{shown} cannot be written by this user: change that with chown, or name another with --journal"
            ),
        ),
        Ok(0) => Check::ok("journal", format!("{shown} can be written, and nothing waits in it")),
        Ok(waiting) => Check::warning(
            "journal",
            format!(
                "{waiting} messages in {shown} wait for the database: they are stored once a server reaches it"
            ),
        ),
    }
}

/// What is missing for the syncs that somebody has begun to set up; nothing where nobody has.
fn syncs(settings: &Settings) -> Option<Check> {
    let half = |missing: &[&str], needed: usize| (missing.len() < needed).then(|| missing.join(", "));
    let airtable = settings.airtable.as_ref().err().and_then(|it| half(it, settings::AIRTABLE.len()));
    let webhook = settings.webhook.as_ref().err().and_then(|it| half(it, settings::WEBHOOK.len()));
    let ready: Vec<_> = [("airtable", settings.airtable.is_ok()), ("webhook", settings.webhook.is_ok())]
        .into_iter()
        .filter_map(|(name, is_ready)| is_ready.then_some(name))
        .collect();
    if let Some(missing) = airtable.or(webhook) {
        return Some(Check::fails(
            "sync",
            format!("{missing} missing: set it too, or take away what is set"),
        ));
    }
    if ready.is_empty() {
        return settings.schedule.map(|_| {
            let needed = settings::AIRTABLE.join(", ");
            Check::warning("sync", format!("sync_minutes is set, but nothing to sync to: set {needed}"))
        });
    }
    let when = settings.schedule.map_or_else(
        || "when asked for".to_owned(),
        |schedule| format!("every {} minutes, {} hours back", schedule.minutes, schedule.hours_back),
    );
    let finding = format!("insights of {} to {}, {when}", settings.workspace, ready.join(" and "));
    Some(Check::ok("sync", finding))
}

/// A database that cannot write stops everything.
fn room(data: &Path) -> Check {
    const LITTLE: u64 = 2 * 1024 * 1024 * 1024;
    const TOO_LITTLE: u64 = 200 * 1024 * 1024;
    let place = if data.exists() { Some(data.to_owned()) } else { standing_parent(data) };
    let Some(disk) = place.and_then(|place| statvfs(&place).ok()) else {
        return Check::warning("disk", "how much room there is cannot be seen");
    };
    let free = disk.blocks_available() * disk.fragment_size();
    let finding = format!("{} MB free for {}", free / 1_000_000, data.display());
    if free < TOO_LITTLE {
        Check::fails("disk", format!("{finding}: make room, or name another disk with --data"))
    } else if free < LITTLE {
        Check::warning("disk", format!("{finding}: make room before it fills"))
    } else {
        Check::ok("disk", finding)
    }
}

fn files(layers: &Layers) -> Check {
    // A wrong number was told of with the settings.
    let connections = config::max_connections(layers).unwrap_or(1);
    let (_, hard) = open_files();
    if hard >= connections as u64 + OTHER_FILES {
        return Check::ok("open files", format!("enough for {connections} connections"));
    }
    Check::warning(
        "open files",
        format!(
            "at most {hard}, which is fewer than {connections} connections need: raise the limit (`ulimit -n`, or \
             LimitNOFILE= of systemd), or lower --max-connections"
        ),
    )
}

fn port(layers: &Layers) -> Check {
    let Ok(address) = config::listen(layers) else {
        return Check::fails("port", "the address to listen on is not understood");
    };
    match TcpListener::bind(address) {
        Ok(_) => Check::ok("port", format!("{address} is free")),
        Err(error) => {
            let remedy = match error.kind() {
                io::ErrorKind::AddrInUse => "stop the program that has it, or choose another with --listen",
                io::ErrorKind::PermissionDenied => {
                    "choose one of 1024 and above with --listen, or allow this user to"
                }
                _ => "is this an address of this machine? Choose another with --listen",
            };
            Check::fails("port", format!("{address} cannot be had ({error}): {remedy}"))
        }
    }
}

fn standing_parent(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.ancestors().skip(1).find(|parent| parent.is_dir()).map(Path::to_owned)
}
