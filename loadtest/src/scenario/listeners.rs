//! `listeners`: one conversation, one writer, many sockets that listen.
//!
//! Every delivery is checked; latency runs from the moment a message was to be sent, so that a server that stalls
//! the writer does not look quick.

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::latency::{Latency, Percentiles};
use crate::cli::ListenersArgs;
use crate::client::wire::Frame;
use crate::client::{CallError, Gone};
use crate::lab::{Lab, progress};
use crate::measure::{Cores, Stopwatch, Target};
use crate::report::{Report, Table, grouped, known, per};
use crate::view::{Fault, Faults};
use crate::visitor::{Visitor, text};

/// Each message begins with the microsecond of the run in which it was to be sent.
const STAMP: &str = "sent at ";
const STAMP_DIGITS: usize = 10;

#[derive(Serialize)]
struct Figures {
    listeners: u32,
    written: u64,
    deliveries: u64,
    seconds: f64,
    deliveries_per_second: f64,
    latency: Percentiles,
    server_cores: Option<Cores>,
    tester_cores: Option<Cores>,
    faults: Faults,
}

pub async fn run(args: &ListenersArgs) -> anyhow::Result<Report> {
    let lab = Lab::start(&args.lab, false).await?;
    let pace = lab.run.pace(args.conns)?;
    let opened = Visitor::open(&lab.entrance, 0, lab.run.author(0)).await;
    let mut writer = opened.context("the writer could not open a conversation")?;
    let latency = Latency::new();
    let (end, last) = watch::channel(None);
    let bar = progress(args.conns, "opening");
    let start = Instant::now();

    let mut joining = JoinSet::new();
    for nth in 1..=args.conns {
        let (entrance, credentials, pace) = (lab.entrance.clone(), writer.credentials.clone(), pace.clone());
        joining.spawn(async move {
            let _turn = pace.turn(nth).await;
            Visitor::join(&entrance, nth, &credentials).await
        });
    }
    let mut listeners = JoinSet::new();
    while let Some(joined) = joining.join_next().await {
        let visitor = joined?.context("a listener could not join the conversation")?;
        listeners.spawn(listen(visitor, last.clone(), start, latency.clone(), args.lab.timeout()));
        bar.inc(1);
    }
    bar.finish_and_clear();

    let watches = [lab.server.map(Target::Process), Some(Target::myself())]
        .map(|target| target.and_then(Stopwatch::start));
    let began = Instant::now();
    if let Err(error) = write(&mut writer, args, start).await {
        writer.view.faults.add(Fault::of(&error), format!("the writer: {error}"));
    }
    let written = writer.view.head();
    end.send_replace(Some(written));
    let mut faults = writer.close(written);
    let mut deliveries = 0;
    while let Some(listener) = listeners.join_next().await {
        let (found, heard) = listener?;
        faults.merge(found);
        deliveries += heard;
    }
    let seconds = began.elapsed().as_secs_f64();
    let [server_cores, tester_cores] = watches.map(|watch| watch.and_then(Stopwatch::stop));
    report(&Figures {
        listeners: args.conns,
        written,
        deliveries,
        seconds,
        deliveries_per_second: per(deliveries, seconds),
        latency: latency.percentiles(),
        server_cores,
        tester_cores,
        faults,
    })
}

/// Keeps at most `in_flight` messages under way, at the rate asked for, and waits for the last acknowledgement.
async fn write(writer: &mut Visitor, args: &ListenersArgs, start: Instant) -> Result<(), CallError> {
    let filler = text(100);
    let filler = &filler[STAMP.len() + STAMP_DIGITS..];
    let began = Instant::now();
    let end = began + Duration::from_secs(args.secs);
    let mut posted: u32 = 0;
    let mut under_way = 0;
    loop {
        let due =
            if args.rate == 0 { Instant::now() } else { began + Duration::from_secs(1) * posted / args.rate };
        if due < end && under_way < args.in_flight {
            // What waits for its time also takes in acknowledgements; what is late goes out at once.
            tokio::select! {
                biased;
                () = sleep_until(due) => {
                    posted += 1;
                    let client_id = writer.credentials.author.client_id(u64::from(posted));
                    let micros = (due - start).as_micros();
                    writer.post_as(client_id, &format!("{STAMP}{micros:0STAMP_DIGITS$}{filler}")).await?;
                    under_way += 1;
                }
                frame = writer.receive() => under_way -= u32::from(writer.take(&frame?)?),
            }
        } else if under_way > 0 {
            let frame = writer.receive_in_time().await?;
            under_way -= u32::from(writer.take(&frame)?);
        } else {
            return Ok(());
        }
    }
}

/// Takes in what comes until the last message is there. Returns how many came.
async fn listen(
    mut visitor: Visitor,
    mut last: watch::Receiver<Option<u64>>,
    start: Instant,
    latency: Latency,
    patience: Duration,
) -> (Faults, u64) {
    let mut heard = 0;
    let mut known = None;
    let mut deadline = None;
    while known.is_none_or(|last| visitor.view.head() < last) {
        let frame = tokio::select! {
            frame = async {
                match deadline {
                    Some(deadline) => timeout_at(deadline, visitor.receive()).await.ok(),
                    None => Some(visitor.receive().await),
                }
            } => frame,
            changed = last.wait_for(Option::is_some), if known.is_none() => {
                known = changed.ok().and_then(|last| *last).or(Some(0));
                deadline = Some(Instant::now() + patience);
                continue;
            }
        };
        let Some(frame) = frame else { break };
        let taken =
            frame.map_err(CallError::from).and_then(|frame| Ok(take(&mut visitor, &frame, start, &latency)?));
        match taken {
            Ok(came) => heard += u64::from(came),
            Err(error) => {
                visitor.view.faults.add(Fault::of(&error), format!("a listener: {error}"));
                break;
            }
        }
    }
    let last = last.wait_for(Option::is_some).await.ok().and_then(|last| *last);
    (visitor.close(last.unwrap_or_default()), heard)
}

fn take(visitor: &mut Visitor, text: &str, start: Instant, latency: &Latency) -> Result<bool, Gone> {
    let Some(row) = Frame::parse(text)?.created()? else { return Ok(false) };
    let stamp = row.content.strip_prefix(STAMP).and_then(|rest| rest.get(..STAMP_DIGITS)?.parse().ok());
    if let Some(micros) = stamp {
        latency.record(start.elapsed().saturating_sub(Duration::from_micros(micros)));
    } else {
        visitor.view.faults.add(Fault::Altered, format!("message {} has another text", row.seq));
    }
    visitor.heard(&row);
    Ok(true)
}

fn report(figures: &Figures) -> anyhow::Result<Report> {
    let mut report = Report::new("listeners", figures)?;
    let mut table = Table::new([
        "listeners",
        "written",
        "deliveries",
        "deliveries/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "max ms",
        "server cores",
        "tester",
    ]);
    let cores = |cores: Option<Cores>| known(cores, |cores| format!("{:.2}", cores.0));
    table.row([
        figures.listeners.to_string(),
        figures.written.to_string(),
        grouped(per(figures.deliveries, 1.0)),
        grouped(figures.deliveries_per_second),
        format!("{:.1}", figures.latency.p50_ms),
        format!("{:.1}", figures.latency.p95_ms),
        format!("{:.1}", figures.latency.p99_ms),
        format!("{:.1}", figures.latency.max_ms),
        cores(figures.server_cores),
        cores(figures.tester_cores),
    ]);
    report.table(table);
    let fine = format!("each listener got all {} messages, once and in order", figures.written);
    report.check("truth", figures.faults.is_empty(), figures.faults.describe(&fine));
    let expected = figures.written * u64::from(figures.listeners);
    let detail = format!("{} of {expected}", figures.deliveries);
    report.check("deliveries", figures.deliveries == expected && expected > 0, detail);
    Ok(report)
}
