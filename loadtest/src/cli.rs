//! The command line: one subcommand a scenario, and the flags that they share.

mod play;
mod staff;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

pub use self::play::{ChaosArgs, PlayArgs, ReplayArgs, SoakArgs};
pub use self::staff::{FanoutArgs, FeedArgs, ReportsArgs};

/// The desk without an agent.
const RELAY: &str = "relay";

#[derive(Parser)]
#[command(name = "loadtest", version, about = "Load tests for Switchboard that check what they measure.")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// How many messages a second are acknowledged, each visitor waiting for its acknowledgement
    Send(SendArgs),
    /// How much memory a visitor costs that has said something and gone quiet
    Idle(IdleArgs),
    /// All clients dropped at once, and all back at once: who recovers what, and what it costs
    Storm(StormArgs),
    /// Readers that drop and resume while somebody writes: nothing missed, nothing twice
    Resume(ResumeArgs),
    /// One conversation with many sockets: deliveries a second and their latency
    Listeners(ListenersArgs),
    /// Consoles of the staff that come and go while escalations change: each ends equal to the table
    Feed(FeedArgs),
    /// One feed with many consoles: what a delivery costs the server, beside the same in Node
    Fanout(FanoutArgs),
    /// Recorded conversations played again, by visitors on good and bad networks, with staff
    Replay(ReplayArgs),
    /// The same while server, database and networks are being hurt: nothing acknowledged may be lost
    Chaos(ChaosArgs),
    /// Visitors who come and go for a long time: nothing may grow
    Soak(SoakArgs),
    /// Turns a second of the agent with its local brain, beside what the embedding thread alone can do
    Turns(TurnsArgs),
    /// What a year of messages costs: acknowledgements a second beside an empty database, and opening long
    /// conversations beside short ones
    Growth(GrowthArgs),
    /// A crowd at the login page, each trying again and again: what those who talk notice of it
    Logins(LoginsArgs),
    /// The dashboard with a year of interactions, and what those who talk notice of it
    Reports(ReportsArgs),
    /// Two runs side by side, of which `--report` has kept the figures
    Compare(CompareArgs),
}

/// What is tested, and how it is reached.
#[derive(Args, Clone)]
pub struct LabArgs {
    /// The server under test, already running
    #[arg(long, default_value = "ws://127.0.0.1:8080/ws", conflicts_with = "server")]
    pub url: String,
    /// Start this server binary for the run, preset relay and limits off, and stop it afterwards
    #[arg(long, value_name = "BIN")]
    pub server: Option<PathBuf>,
    /// The database of the started server and of the peers: a URL; `embedded` or `local[:BINDIR]` for the
    /// server's own; without it a private Postgres is started for the run
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Folder of `initdb` and `postgres` for the private Postgres [default: the newest installed]
    #[arg(long, value_name = "DIR")]
    pub postgres_bin: Option<PathBuf>,
    /// Data folder of the started server [default: a new one, removed afterwards]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Process id of the server, for its CPU and memory [default: found by the port it listens on]
    #[arg(long)]
    pub pid: Option<u32>,
    /// Public name of the workspace that visitors open
    #[arg(long)]
    pub workspace: Option<String>,
    /// Key of somebody of the staff, for a server that already runs; may be given again
    #[arg(
        long,
        value_name = "KEY",
        env = "LOADTEST_STAFF_KEY",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub staff_key: Vec<String>,
    /// New connections a second
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    pub connect_rate: u32,
    /// Seconds after which an unanswered request counts as lost
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// The desk of the started server
    #[arg(skip = RELAY)]
    pub preset: String,
    /// Threads of this tester
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The load of a round in which every visitor waits for its acknowledgement.
#[derive(Args, Clone, Copy, Serialize)]
pub struct LoadArgs {
    /// Visitors, each with a conversation and a socket of its own
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub conns: u32,
    /// Seconds measured in each round
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub secs: u64,
    /// Seconds of the same load before each measurement
    #[arg(long, default_value_t = 3)]
    pub warmup: u64,
    /// Characters in a message
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub bytes: u32,
}

#[derive(Args)]
pub struct SendArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub load: LoadArgs,
    /// Rounds; with several contenders they are interleaved [default: 1 alone, 3 with others]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,
    /// Measure the server on its embedded database as well, in turns
    #[arg(long, requires = "server", conflicts_with = "only_peers")]
    pub embedded: bool,
    /// At least this share of the native rate on the embedded database
    #[arg(long, default_value_t = 0.5)]
    pub embedded_share: f64,
    /// Measure the peers `fastapi`, `node` and `socketio` as well, in turns, on the same Postgres
    #[arg(long)]
    pub peers: bool,
    /// Measure the peers alone
    #[arg(long, conflicts_with_all = ["server", "peers"])]
    pub only_peers: bool,
    /// Folder of the peers
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))]
    pub peers_dir: PathBuf,
    /// At least this many times the rate of the peer `fastapi`
    #[arg(long, default_value_t = 4.0)]
    pub over_fastapi: f64,
    /// At least this many times the rate of the peers `node` and `socketio`
    #[arg(long, default_value_t = 2.8)]
    pub over_node: f64,
    /// p99 at most this many times conns / rate
    #[arg(long, default_value_t = 2.5)]
    pub p99_factor: f64,
}

#[derive(Args)]
pub struct IdleArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    /// Visitors
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub conns: u32,
    /// At least so many seconds of quiet before the server is weighed: past its hibernation and one heartbeat
    #[arg(long, default_value_t = 45)]
    pub secs: u64,
    /// At most so many seconds until its memory must have settled
    #[arg(long, default_value_t = 180)]
    pub settle: u64,
    /// Seconds for which its memory must hold still
    #[arg(long, default_value_t = 10)]
    pub steady: usize,
    /// Kilobytes (1,000 bytes) of server memory that a visitor may cost; 0 reports only
    #[arg(long, default_value_t = 10.5)]
    pub bar: f64,
}

/// Whether the same is done to Socket.IO as well.
#[derive(Args)]
pub struct RivalArgs {
    /// Measure the peer `socketio` as well, with its connection state recovery, on the same Postgres
    #[arg(long, requires = "server")]
    pub peers: bool,
    /// Folder of the peers
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))]
    pub peers_dir: PathBuf,
}

#[derive(Args)]
pub struct StormArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub rival: RivalArgs,
    /// Visitors
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub conns: u32,
    /// Messages each sends before the first drop
    #[arg(long, default_value_t = 3)]
    pub messages: u32,
    /// Share of the visitors that miss messages in the second wave
    #[arg(long, default_value_t = 0.5)]
    pub behind: f64,
    /// Messages that each of those misses
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=300))]
    pub missed: u32,
    /// Seconds between the drop and the return
    #[arg(long, default_value_t = 1.0)]
    pub away: f64,
    /// Resumes that one statement must serve at least
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub per_statement: u32,
}

#[derive(Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub rival: RivalArgs,
    /// Readers
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub conns: u32,
    /// Seconds of writing
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub secs: u64,
    /// Messages a second of the writer
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// Longest time in milliseconds that a reader stays before it drops
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    pub stay: u64,
    /// Longest time in milliseconds that a reader is away
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub away: u64,
}

#[derive(Args)]
pub struct ListenersArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    /// Sockets that listen
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub conns: u32,
    /// Seconds of writing
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub secs: u64,
    /// Messages a second of the writer; 0: as fast as they are acknowledged
    #[arg(long, default_value_t = 0)]
    pub rate: u32,
    /// Messages that the writer has under way at most
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    pub in_flight: u32,
}

#[derive(Args)]
pub struct TurnsArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    /// Conversations whose visitors' turns are played: JSONL of `{"turns":[{"role","content"}]}`
    #[arg(long, value_name = "F.jsonl")]
    pub file: PathBuf,
    /// Conversations at once
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub users: u32,
    /// Seconds measured
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub secs: u64,
    /// Seconds of the same load before
    #[arg(long, default_value_t = 10)]
    pub warmup: u64,
    /// At least this share of what the embedding thread alone delivers
    #[arg(long, default_value_t = 0.8)]
    pub share: f64,
    /// Milliseconds that an acknowledgement may take, at p99
    #[arg(long, default_value_t = 25.0)]
    pub ack: f64,
}

#[derive(Args)]
pub struct GrowthArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub load: LoadArgs,
    /// Conversations of the full database
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub conversations: u32,
    /// Messages of the full database
    #[arg(long, default_value_t = 20_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub messages: u32,
    /// Rounds on each database, in pairs whose order alternates
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// At least this share of the empty database's rate on the full one
    #[arg(long, default_value_t = 0.85)]
    pub share: f64,
    /// Messages of a long conversation
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(51..))]
    pub long: u32,
    /// Conversations of each length that are opened; all are among those of the full database
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub each: u32,
    /// Times that the server is started anew, with nothing in memory, and every one of them is opened once
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..))]
    pub restarts: u32,
    /// Opening a long conversation may take this many times as long as a short one
    #[arg(long, default_value_t = 1.25)]
    pub open_factor: f64,
}

#[derive(Args)]
pub struct LoginsArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub load: LoadArgs,
    /// Log-ins under way at once
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub logins: u32,
    /// The p99 of messages beside them, in milliseconds, at most
    #[arg(long, default_value_t = 50.0)]
    pub p99: f64,
}

#[derive(Args)]
pub struct CompareArgs {
    /// What `--report` has written: the folder, or the `report.json` in it
    #[arg(value_name = "A")]
    pub before: PathBuf,
    #[arg(value_name = "B")]
    pub after: PathBuf,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How the result is told.
#[derive(Args, Clone, Default)]
pub struct OutputArgs {
    /// Print one JSON object instead of tables
    #[arg(long)]
    pub json: bool,
    /// Write a page with charts, and the figures for `compare`, to this folder
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
}

impl Cli {
    /// What is tested; nothing where no server is.
    pub fn lab(&self) -> Option<&LabArgs> {
        Some(match &self.command {
            Command::Send(args) => &args.lab,
            Command::Idle(args) => &args.lab,
            Command::Storm(args) => &args.lab,
            Command::Resume(args) => &args.lab,
            Command::Listeners(args) => &args.lab,
            Command::Feed(args) => &args.lab,
            Command::Fanout(args) => &args.lab,
            Command::Replay(args) => &args.lab,
            Command::Chaos(args) => &args.lab,
            Command::Soak(args) => &args.lab,
            Command::Turns(args) => &args.lab,
            Command::Growth(args) => &args.lab,
            Command::Logins(args) => &args.lab,
            Command::Reports(args) => &args.lab,
            Command::Compare(_) => return None,
        })
    }

    pub fn output(&self) -> &OutputArgs {
        match &self.command {
            Command::Compare(args) => &args.output,
            _ => self.lab().map_or(const { &OutputArgs { json: false, report: None } }, |lab| &lab.output),
        }
    }
}

impl LabArgs {
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

impl fmt::Display for LoadArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conns, secs, warmup, bytes } = self;
        write!(f, "{conns} visitors, one message of {bytes} characters under way each, ")?;
        write!(f, "{secs} s measured after {warmup} s of warm-up.")
    }
}
