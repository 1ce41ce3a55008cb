//! The flags of what plays recorded conversations.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::LabArgs;
use crate::scenario::Fault;

#[derive(Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub play: PlayArgs,
}

#[derive(Args)]
pub struct ChaosArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub play: PlayArgs,
    /// What is done, in turns [default: all of it]
    #[arg(long, value_delimiter = ',', default_values_t = Fault::value_variants().iter().copied())]
    #[arg(value_enum, hide_default_value = true)]
    pub fault: Vec<Fault>,
    /// Seconds from one fault to the next, about
    #[arg(long, default_value_t = 5.0)]
    pub every: f64,
    /// So many faults, and at least so many [default: as many as there is time for]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub faults: Option<u32>,
    /// Nothing but `kill -9` of the server, so many times, spread evenly over the conversations
    #[arg(long, conflicts_with_all = ["fault", "faults", "every"])]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub kills: Option<u32>,
}

#[derive(Args)]
pub struct SoakArgs {
    #[command(flatten)]
    pub lab: LabArgs,
    #[command(flatten)]
    pub play: PlayArgs,
    /// Seconds of coming and going
    #[arg(long, default_value_t = 1200, value_parser = clap::value_parser!(u64).range(10..))]
    pub secs: u64,
    /// Seconds before it counts: a conversation lasts some minutes, and a server keeps what has gone quiet for five more
    #[arg(long, default_value_t = 600)]
    pub warmup: u64,
    /// A figure may be larger by this share at the end
    #[arg(long, default_value_t = 0.05)]
    pub growth: f64,
}

/// Recorded conversations, and by whom and how they are played.
#[derive(Args, Clone)]
pub struct PlayArgs {
    /// Conversations whose visitors' turns are played: JSONL of `{"turns":[{"role","content"}]}`
    /// [default: a few of our own]
    #[arg(long, value_name = "F.jsonl")]
    pub file: Option<PathBuf>,
    /// Conversations played, from the first on and round again [default: those of the file]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub conversations: Option<u32>,
    /// Visitors at once; when one has gone, another comes
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub users: u32,
    /// Instead, so many new visitors each second, however many are there
    #[arg(long, value_name = "RATE", conflicts_with = "users")]
    pub arrival: Option<f64>,
    /// Seconds until all are there, or until as many come as asked for
    #[arg(long, default_value_t = 5.0)]
    pub ramp: f64,
    /// How many times as fast as people think and type
    #[arg(long, default_value_t = 10.0)]
    pub speed: f64,
    /// Share of the visitors on bad networks: dropped sockets, slow readers, two tabs, phones asleep
    #[arg(long, default_value_t = 0.1)]
    pub bad: f64,
    /// People who take escalations and answer
    #[arg(long, default_value_t = 3)]
    pub staff: u32,
    /// Seconds that they take for each thing they do, at speed 1
    #[arg(long, default_value_t = 10.0)]
    pub staff_pace: f64,
    /// The desk of the started server
    #[arg(long, default_value = "member_support")]
    pub preset: String,
    /// Plays the same once more
    #[arg(long)]
    pub seed: Option<u64>,
}
