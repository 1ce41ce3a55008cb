//! A run over time: how much was done in each second and how quickly, what it cost, and what was done to the server.
//!
//! It also leads the progress bar, which shows the rate and the latency of the last second.

mod trend;

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

pub use self::trend::Trend;
use crate::client::Address;
use crate::measure::Target;
use crate::report::{grouped, per};
use crate::scenario::Latency;

const EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default, Serialize)]
pub struct Timeline {
    pub samples: Vec<Sample>,
    pub marks: Vec<Mark>,
    /// Lines that were fitted to figures, where somebody asked for them.
    pub trends: Vec<Trend>,
}

/// One second; None where nothing is known.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Sample {
    pub at_s: f64,
    pub rate: f64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub max_ms: Option<f64>,
    pub server_cores: Option<f64>,
    pub postgres_cores: Option<f64>,
    pub tester_cores: Option<f64>,
    pub server_mb: Option<f64>,
    pub postgres_mb: Option<f64>,
    /// Files and sockets that the server has open.
    pub server_handles: Option<u64>,
    pub server_threads: Option<u64>,
    /// Processes of Postgres: one a connection, and a few of its own.
    pub postgres_processes: Option<u64>,
    /// What the server says of itself, where it is asked.
    pub server_tasks: Option<u64>,
    pub server_sessions: Option<u64>,
}

/// What may grow where something leaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    ServerMb,
    PostgresMb,
    ServerHandles,
    ServerThreads,
    ServerTasks,
    ServerSessions,
    PostgresProcesses,
}

/// What the progress bar counts.
#[derive(Clone, Copy, Debug)]
pub enum Length {
    Conversations(u32),
    Seconds(u64),
}

/// Something that was done to the server or around it.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    pub at_s: f64,
    pub what: String,
}

/// Handle to a timeline that is being drawn; it ends with its last owner.
#[derive(Clone)]
pub struct Recorder {
    begin: Instant,
    state: Arc<Mutex<State>>,
    pub bar: ProgressBar,
    _task: Arc<JoinSet<()>>,
}

#[derive(Default)]
struct State {
    timeline: Timeline,
    server: Option<Target>,
    postgres: Option<Target>,
}

impl Timeline {
    pub fn trend(&self, figure: Figure, within: Range<f64>) -> Option<Trend> {
        let samples = self.samples.iter().filter(|sample| within.contains(&sample.at_s));
        Trend::through(figure, &samples.filter_map(|at| Some((at.at_s, at.of(figure)?))).collect::<Vec<_>>())
    }
}

impl Sample {
    pub fn of(&self, figure: Figure) -> Option<f64> {
        let count = |count: Option<u64>| count.map(|count| per(count, 1.0));
        match figure {
            Figure::ServerMb => self.server_mb,
            Figure::PostgresMb => self.postgres_mb,
            Figure::ServerHandles => count(self.server_handles),
            Figure::ServerThreads => count(self.server_threads),
            Figure::ServerTasks => count(self.server_tasks),
            Figure::ServerSessions => count(self.server_sessions),
            Figure::PostgresProcesses => count(self.postgres_processes),
        }
    }
}

impl Recorder {
    /// Samples `latency` and both processes each second, and the server's own figures where its address is named.
    pub fn start(
        latency: Latency,
        server: Option<Target>,
        postgres: Option<Target>,
        length: Length,
        metrics: Option<Address>,
    ) -> Self {
        let state = Arc::new(Mutex::new(State { timeline: Timeline::default(), server, postgres }));
        let (length, unit) = match length {
            Length::Conversations(count) => (count.into(), "conversations"),
            Length::Seconds(seconds) => (seconds, "seconds"),
        };
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {prefix}  {msg}");
        let bar = ProgressBar::new(length).with_style(style.expect("the template is valid"));
        bar.set_prefix(unit);
        let begin = Instant::now();
        let mut task = JoinSet::new();
        task.spawn(sample(begin, state.clone(), latency, bar.clone(), metrics));
        Self { begin, state, bar, _task: Arc::new(task) }
    }

    /// The server or Postgres is another process from now on.
    pub fn watch(&self, server: Option<Target>, postgres: Option<Target>) {
        let mut state = lock(&self.state);
        (state.server, state.postgres) = (server, postgres);
    }

    pub fn mark(&self, what: impl Into<String>) {
        let mark = Mark { at_s: self.begin.elapsed().as_secs_f64(), what: what.into() };
        self.bar.println(format!("{:7.1} s  {}", mark.at_s, mark.what));
        lock(&self.state).timeline.marks.push(mark);
    }

    pub fn timeline(&self) -> Timeline {
        self.bar.finish_and_clear();
        lock(&self.state).timeline.clone()
    }
}

async fn sample(
    begin: Instant,
    state: Arc<Mutex<State>>,
    latency: Latency,
    bar: ProgressBar,
    metrics: Option<Address>,
) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    latency.recent();
    let mut last = begin;
    let (mut server, mut postgres) = (Gauge::default(), Gauge::default());
    let mut tester = Gauge::default();
    loop {
        ticks.tick().await;
        let now = Instant::now();
        let elapsed = now - last;
        last = now;
        let recent = latency.recent();
        let [p50_ms, p99_ms, max_ms] =
            [recent.p50_ms, recent.p99_ms, recent.max_ms].map(|ms| (recent.count > 0).then_some(ms));
        let page = match &metrics {
            Some(address) => address.get("/metrics").await.unwrap_or_default(),
            None => String::new(),
        };
        let mut state = lock(&state);
        let sample = Sample {
            at_s: (now - begin).as_secs_f64(),
            rate: per(recent.count, elapsed.as_secs_f64()),
            p50_ms,
            p99_ms,
            max_ms,
            server_cores: server.cores(state.server, elapsed),
            postgres_cores: postgres.cores(state.postgres, elapsed),
            tester_cores: tester.cores(Some(Target::myself()), elapsed),
            server_mb: state.server.and_then(Target::memory).map(|bytes| per(bytes, 1e6)),
            postgres_mb: state.postgres.and_then(Target::memory).map(|bytes| per(bytes, 1e6)),
            server_handles: state.server.and_then(Target::handles),
            server_threads: state.server.and_then(Target::threads),
            postgres_processes: state.postgres.map(Target::members),
            server_tasks: gauge(&page, "switchboard_tasks"),
            server_sessions: gauge(&page, "switchboard_sessions"),
        };
        let quick = p99_ms.map_or_else(String::new, |p99| format!("p99 {p99:.1} ms"));
        bar.set_message(format!("{}/s  {quick}", grouped(sample.rate)));
        state.timeline.samples.push(sample);
    }
}

/// The CPU time of a process when it was last looked at.
#[derive(Default)]
struct Gauge(Option<(Target, Duration)>);

impl Gauge {
    fn cores(&mut self, target: Option<Target>, elapsed: Duration) -> Option<f64> {
        let before = self.0.take();
        let target = target?;
        let cpu = target.cpu()?;
        self.0 = Some((target, cpu));
        let (_, before) = before.filter(|(before, _)| *before == target)?;
        Some(cpu.saturating_sub(before).as_secs_f64() / elapsed.as_secs_f64())
    }
}

/// A gauge of the server's page of metrics.
fn gauge(page: &str, name: &str) -> Option<u64> {
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok();
    page.lines().find_map(value)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
