//! `turns`: many conversations that an agent with the local brain answers, as fast as each gets its replies.
//!
//! Every turn must end in exactly one reply; a conversation that goes to people is left, and the next one begun. The
//! measure is the embedding thread, which every turn needs once: what it does alone is measured in the same run, on
//! the same texts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::latency::{Latency, Percentiles};
use super::script;
use crate::cli::{LabArgs, TurnsArgs};
use crate::client::wire::{Frame, Open, Opened};
use crate::client::{CallError, Gone, Socket};
use crate::lab::Lab;
use crate::measure::{Busy, Target, Watches};
use crate::report::{Report, Table, grouped, known, per};
use crate::view::{Fault, Faults};
use crate::visitor::Entrance;

/// Has an answer to some of what is asked, and people for the rest.
const PRESET: &str = "member_support";

#[derive(Serialize)]
struct Figures {
    users: u32,
    turns: u64,
    conversations: usize,
    seconds: f64,
    turns_per_second: f64,
    /// Of the embedding thread alone; none without a server that this run has started.
    embedded_per_second: Option<f64>,
    acknowledged: Percentiles,
    replied: Percentiles,
    busy: Busy,
    faults: Faults,
}

/// What all visitors share.
struct Stage {
    entrance: Entrance,
    conversations: Vec<Vec<String>>,
    next: AtomicUsize,
    measuring: AtomicBool,
    over: AtomicBool,
    turns: AtomicU64,
    acknowledged: Latency,
    replied: Latency,
}

pub async fn run(args: &TurnsArgs) -> anyhow::Result<Report> {
    let conversations = script::read(&args.file)?;
    let embedded_per_second = match &args.lab.server {
        Some(server) => Some(embedded(server, args).await?),
        None => None,
    };
    let lab = Lab::start(&LabArgs { preset: PRESET.to_owned(), ..args.lab.clone() }, false).await?;
    let stage = Arc::new(Stage {
        entrance: lab.entrance.clone(),
        conversations,
        next: AtomicUsize::new(0),
        measuring: AtomicBool::new(false),
        over: AtomicBool::new(false),
        turns: AtomicU64::new(0),
        acknowledged: Latency::new(),
        replied: Latency::new(),
    });
    let mut visitors = JoinSet::new();
    for nth in 0..args.users {
        visitors.spawn(visit(stage.clone(), nth));
    }
    sleep(Duration::from_secs(args.warmup)).await;
    let watches = Watches::start(lab.server.map(Target::Process), lab.postgres());
    let begin = Instant::now();
    stage.measuring.store(true, Ordering::Relaxed);
    sleep(Duration::from_secs(args.secs)).await;
    stage.measuring.store(false, Ordering::Relaxed);
    let (seconds, busy) = (begin.elapsed().as_secs_f64(), watches.stop());
    stage.over.store(true, Ordering::Relaxed);
    let mut faults = Faults::default();
    while let Some(visitor) = visitors.join_next().await {
        faults.merge(visitor?);
    }
    let turns = stage.turns.load(Ordering::Relaxed);
    let figures = Figures {
        users: args.users,
        turns,
        conversations: stage.next.load(Ordering::Relaxed),
        seconds,
        turns_per_second: per(turns, seconds),
        embedded_per_second,
        acknowledged: stage.acknowledged.percentiles(),
        replied: stage.replied.percentiles(),
        busy,
        faults,
    };
    report(args, &figures)
}

/// What the embedding thread delivers when nothing else runs.
async fn embedded(server: &Path, args: &TurnsArgs) -> anyhow::Result<f64> {
    #[derive(Deserialize)]
    struct Pace {
        texts_per_second: f64,
    }
    let mut command = tokio::process::Command::new(server);
    command.args(["eval", "embedding", "--seconds", "10", "--conversations"]).arg(&args.file);
    let output = command.output().await.with_context(|| format!("running {}", server.display()))?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    let pace: Pace = serde_json::from_slice(&output.stdout).context("what `eval embedding` printed")?;
    Ok(pace.texts_per_second)
}

/// One conversation after the other until the end.
async fn visit(stage: Arc<Stage>, nth: u32) -> Faults {
    let mut faults = Faults::default();
    while !stage.over.load(Ordering::Relaxed) {
        let at = stage.next.fetch_add(1, Ordering::Relaxed) % stage.conversations.len();
        if let Err(error) = converse(&stage, nth, &stage.conversations[at], &mut faults).await {
            faults.add(Fault::of(&error), error.to_string());
            break;
        }
    }
    faults
}

async fn converse(stage: &Stage, nth: u32, turns: &[String], faults: &mut Faults) -> Result<(), CallError> {
    let patience = stage.entrance.patience;
    let mut socket = Socket::connect(&stage.entrance.address, nth, patience).await?;
    let open = Open { workspace: stage.entrance.workspace.as_deref(), ..Open::default() };
    let opened: Opened = socket.call("session.open", &open).await?;
    let conversation = opened.conversation.conversation_id;
    for turn in turns {
        if stage.over.load(Ordering::Relaxed) {
            break;
        }
        let begin = Instant::now();
        let send = json!({"conversation_id": conversation, "client_id": Uuid::new_v4(), "content": turn});
        let id = socket.request("message.send", &send).await?;
        let (mut is_acknowledged, mut replies, mut is_with_people) = (false, 0, false);
        while !is_acknowledged || replies == 0 && !is_with_people {
            let text = socket.receive_in_time().await?;
            let frame = Frame::parse(&text)?;
            if frame.id == Some(id) {
                frame.into_result::<Value>()?;
                is_acknowledged = true;
                if stage.measuring.load(Ordering::Relaxed) {
                    stage.acknowledged.record(begin.elapsed());
                }
                continue;
            }
            match (frame.method, frame.params.map(|params| serde_json::from_str::<Value>(params.get()))) {
                (Some("message.created"), Some(Ok(params))) if params["message"]["role"] == "assistant" => {
                    replies += 1;
                    if !is_acknowledged {
                        faults.add(Fault::Disordered, "a reply came before what it answers");
                    }
                }
                (Some("conversation.updated"), Some(Ok(params))) => {
                    is_with_people = params["conversation"]["owner"] != "ai";
                }
                (_, Some(Err(error))) => return Err(Gone::Nonsense(error.to_string()).into()),
                _ => {}
            }
        }
        if replies > 0 && stage.measuring.load(Ordering::Relaxed) {
            stage.replied.record(begin.elapsed());
            stage.turns.fetch_add(1, Ordering::Relaxed);
        }
        if is_with_people {
            break;
        }
    }
    Ok(())
}

fn report(args: &TurnsArgs, figures: &Figures) -> anyhow::Result<Report> {
    let mut report = Report::new("turns", figures)?;
    let cores = |cores| known(cores, |cores: crate::measure::Cores| format!("{:.2}", cores.0));
    let mut table = Table::new([
        "conversations",
        "turns",
        "turns/s",
        "embedded/s",
        "ack p50 ms",
        "p99 ms",
        "reply p50 ms",
        "p99 ms",
        "server cores",
        "Postgres",
        "tester",
        "others",
    ]);
    table.row([
        figures.conversations.to_string(),
        grouped(per(figures.turns, 1.0)),
        grouped(figures.turns_per_second),
        known(figures.embedded_per_second, grouped),
        format!("{:.1}", figures.acknowledged.p50_ms),
        format!("{:.1}", figures.acknowledged.p99_ms),
        format!("{:.1}", figures.replied.p50_ms),
        format!("{:.1}", figures.replied.p99_ms),
        cores(figures.busy.server),
        cores(figures.busy.postgres),
        cores(figures.busy.tester),
        cores(figures.busy.others),
    ]);
    report.table(table);
    report.check(
        "truth",
        figures.faults.is_empty(),
        figures.faults.describe("each turn had its one reply, in order"),
    );
    if let Some(alone) = figures.embedded_per_second {
        let share = figures.turns_per_second / alone;
        let detail = format!("{:.0}% of {} texts a second", share * 100.0, grouped(alone));
        report.check(
            format!("at least {:.0}% of the embedding thread alone", args.share * 100.0),
            share >= args.share,
            detail,
        );
    }
    let p99 = figures.acknowledged.p99_ms;
    report.check(format!("acknowledged within {} ms", args.ack), p99 <= args.ack, format!("p99 {p99:.1} ms"));
    Ok(report)
}
