//! The flags of what the staff does: the feed of their consoles, and the dashboard.

use std::path::PathBuf;

use clap::Args;

use super::{LabArgs, LoadArgs};

#[derive(Args)]
pub struct FeedArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    /// Consoles of the staff
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub conns: u32,
    /// Escalations that change
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub escalations: u32,
    /// Seconds of changes
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub secs: u64,
    /// Changes a second
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// Longest time in milliseconds that a console stays before it drops
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub stay: u64,
    /// Longest time in milliseconds that a console is away
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub away: u64,
    /// The p99 from the commit of a change to a console, in milliseconds, at most
    #[arg(long, default_value_t = 50.0)]
    pub p99: f64,
}

#[derive(Args)]
pub struct FanoutArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    /// Consoles on the feed
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub conns: u32,
    /// Escalations that change in turns
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub escalations: u32,
    /// Seconds measured in each round
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub secs: u64,
    /// Changes a second
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// Rounds; with the peer they are interleaved [default: 1 alone, 3 with the peer]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,
    /// Measure the same in Node as well, in turns, on the same Postgres
    #[arg(long, requires = "server")]
    pub peers: bool,
    /// Folder of the peers
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))]
    pub peers_dir: PathBuf,
    /// At most this share of Node's CPU for a delivery
    #[arg(long, default_value_t = 0.5)]
    pub share: f64,
}

#[derive(Args)]
pub struct ReportsArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub load: LoadArgs,
    /// Interactions stored
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub interactions: u32,
    /// Times that each report is asked for with nothing else going on
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    pub times: u32,
    /// The p95 of every report with nothing else going on, in milliseconds, at most
    #[arg(long, default_value_t = 200.0)]
    pub answer: f64,
    /// The p99 of messages beside reports at most this many times that without
    #[arg(long, default_value_t = 1.5)]
    pub p99_factor: f64,
    /// A p99 of messages, in milliseconds, that is well in any case
    #[arg(long, default_value_t = 25.0)]
    pub p99: f64,
}
