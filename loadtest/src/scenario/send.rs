//! `send`: how many messages a second are acknowledged; beside it the same load on the embedded database and on the
//! peers, in turns.

mod verdict;

use anyhow::{Context, ensure};
use tempfile::TempDir;

use super::SWITCHBOARD;
use super::load::{Contender, play};
use crate::cli::SendArgs;
use crate::lab::{Ground, Lab, Run, Served};
use crate::measure::Target;
use crate::peers::{self, Peer};
use crate::report::Report;

const EMBEDDED: &str = "Switchboard, embedded";

pub async fn run(args: &SendArgs) -> anyhow::Result<Report> {
    let with_peers = args.peers || args.only_peers;
    let (lab, ground) = if args.only_peers {
        (None, Some(Ground::prepare(&args.lab, true).await?))
    } else {
        (Some(Lab::start(&args.lab, args.peers).await?), None)
    };
    let ground = lab.as_ref().map(|lab| &lab.ground).or(ground.as_ref()).context("there is no ground")?;

    let embedded = if args.embedded { Some(Embedded::start(args).await?) } else { None };
    let mut started = Vec::new();
    if with_peers {
        let database = ground.database.as_ref().context("the peers have no database")?;
        for kind in [&peers::FASTAPI, &peers::NODE, &peers::SOCKETIO] {
            started.push(Peer::start(kind, &args.peers_dir, database).await?);
        }
    }
    let mut contenders: Vec<Contender<'_>> = lab.iter().map(switchboard).collect();
    contenders.extend(embedded.iter().map(Embedded::contender));
    for peer in &started {
        contenders.extend(
            ground.database.as_ref().map(|database| Contender::peer(peer, database, args.lab.timeout())),
        );
    }

    let rounds = args.rounds.unwrap_or(if contenders.len() > 1 { 3 } else { 1 });
    let rounds = play(&contenders, rounds, Run::new(&args.lab), &args.load).await?;
    let report = verdict::report(args, ground, &rounds)?;
    drop(contenders);
    for peer in started {
        if let Some(database) = &ground.database {
            peer.stop(database).await?;
        }
    }
    Ok(report)
}

/// The server of the lab, with all that can be known of it.
pub(super) fn switchboard(lab: &Lab) -> Contender<'_> {
    Contender {
        name: SWITCHBOARD,
        entrance: lab.entrance.clone(),
        server: lab.server.map(Target::Process),
        postgres: lab.postgres(),
        rows: lab.database().map(|database| (database, "messages")),
    }
}

/// The same binary once more, on the database inside its own process.
struct Embedded {
    served: Served,
    _folder: TempDir,
}

impl Embedded {
    async fn start(args: &SendArgs) -> anyhow::Result<Self> {
        ensure!(
            args.lab.database.as_deref() != Some("embedded"),
            "--embedded is measured beside another database; leave out --database embedded"
        );
        let binary = args.lab.server.as_deref().context("--embedded needs --server BIN")?;
        let folder = TempDir::with_prefix_in("switchboard-loadtest-", "/var/tmp")?;
        let served =
            Served::start(binary, &args.lab, "embedded", &folder.path().join("data"), folder.path()).await?;
        Ok(Self { served, _folder: folder })
    }

    fn contender(&self) -> Contender<'_> {
        Contender {
            name: EMBEDDED,
            entrance: self.served.entrance.clone(),
            server: Some(Target::Process(self.served.pid())),
            postgres: None,
            rows: None,
        }
    }
}
