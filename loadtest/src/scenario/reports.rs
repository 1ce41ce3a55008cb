//! `reports`: how long the dashboard takes with a year of interactions stored, and whether those who talk notice it.
//!
//! The load of `send` twice, alone and beside one dashboard after the other. A private Postgres is filled for it and goes
//! with the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::latency::{Latency, Percentiles};
use super::load::{Contender, Round, outcome, play};
use super::send::switchboard;
use crate::cli::ReportsArgs;
use crate::client::{CallError, Socket};
use crate::console::sit_down;
use crate::database::Database;
use crate::lab::{Lab, progress};
use crate::report::{Report, Table, grouped, per};

/// Interactions of one statement.
const STEP: u32 = 50_000;

/// Most of the time that counting them may take.
const COUNTED_WITHIN: Duration = Duration::from_mins(20);

#[derive(Serialize)]
struct Figures<'a> {
    interactions: u32,
    filled_s: f64,
    counted_s: f64,
    rounds: &'a [Round],
    answers: Vec<Answer>,
}

/// One request of a dashboard and how long it took, with nothing else going on and beside messages.
#[derive(Serialize)]
struct Answer {
    request: &'static str,
    beside_messages: bool,
    #[serde(flatten)]
    latency: Percentiles,
}

/// What a dashboard asks for.
struct Question {
    name: &'static str,
    method: &'static str,
    params: Value,
}

pub async fn run(args: &ReportsArgs) -> anyhow::Result<Report> {
    ensure!(
        args.lab.server.is_some() && args.lab.database.is_none() && args.lab.data.is_none(),
        "reports fills a database of its own: name the binary with --server, and leave out --database and --data"
    );
    let lab = Lab::start(&args.lab, false).await?;
    let database = lab.ground.database.as_ref().context("there is no Postgres")?;
    let key = lab.staff_keys(1).await?.remove(0);
    let begin = Instant::now();
    fill(database, args.interactions).await?;
    let filled_s = begin.elapsed().as_secs_f64();
    counted(database).await?;
    let counted_s = begin.elapsed().as_secs_f64() - filled_s;
    database.client().batch_execute("vacuum analyze interactions").await?;

    let mut dashboard = Dashboard::open(&lab, &key, database).await?;
    for _ in 0..args.times {
        dashboard.ask().await?;
    }
    let mut answers = dashboard.answers(false);

    let alone = Contender { name: "alone", ..switchboard(&lab) };
    let beside = Contender { name: "beside reports", ..switchboard(&lab) };
    let mut rounds = play(&[alone], 1, lab.run, &args.load).await?;
    dashboard.latency = dashboard.questions.iter().map(|_| Latency::new()).collect();
    let over = Arc::new(AtomicBool::new(false));
    let mut asking = JoinSet::new();
    let stop = over.clone();
    asking.spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            dashboard.ask().await?;
        }
        Ok::<_, CallError>(dashboard)
    });
    rounds.extend(play(&[beside], 1, lab.run, &args.load).await?);
    over.store(true, Ordering::Relaxed);
    let asked = asking.join_next().await.context("nobody asked")??;
    answers.extend(asked.context("a report was refused")?.answers(true));
    let figures = Figures { interactions: args.interactions, filled_s, counted_s, rounds: &rounds, answers };
    report(args, database, &figures)
}

/// A year of interactions, evenly spread.
async fn fill(database: &Database, interactions: u32) -> anyhow::Result<()> {
    let bar = progress(interactions, "filling");
    for first in (1..=interactions).step_by(STEP as usize) {
        let last = interactions.min(first + STEP - 1);
        let [first, last, all] = [first, last, interactions].map(i64::from);
        database.client().execute(FILL, &[&first, &last, &all]).await?;
        bar.set_position(u64::try_from(last)?);
    }
    bar.finish_and_clear();
    Ok(())
}

const FILL: &str = "
insert into interactions (workspace_id, id, conversation_id, turn, mode, agent_name, user_message, response, intent, category,
                          confidence, outcome, escalated, trigger_type, processing_time_ms, created_at)
select w.id, (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7'
              || substr(gen_random_uuid()::text, 16))::uuid,
       gen_random_uuid(), 1 + n % 4, (array['customer', 'banker'])[1 + n % 2], 'navigator', repeat('a question ', 8),
       repeat('an answer ', 20), 'intent_' || n % 77, (array['automatable', 'sensitive'])[1 + n % 2], random(),
       case when n % 8 = 0 then 'escalated' else 'resolved' end, n % 8 = 0,
       case when n % 8 = 0 then 'user_request' end, exp(3 + random() * 6)::bigint, at
from workspaces w, generate_series($1::bigint, $2::bigint) n,
     lateral (select now() - interval '365 days' * (n::float8 / $3::bigint) as at) t
where w.slug = 'default'";

/// Waits until the server has counted them all.
async fn counted(database: &Database) -> anyhow::Result<()> {
    let deadline = Instant::now() + COUNTED_WITHIN;
    loop {
        let left = "select exists (select from interactions where not counted)";
        if !database.client().query_one(left, &[]).await?.get::<_, bool>(0) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the server did not count the interactions");
        sleep(Duration::from_secs(1)).await;
    }
}

/// Asks the same questions again and again, one after the other.
struct Dashboard {
    socket: Socket,
    questions: Vec<Question>,
    latency: Vec<Latency>,
}

impl Dashboard {
    async fn open(lab: &Lab, key: &str, database: &Database) -> anyhow::Result<Self> {
        let ago = "select to_char(now() at time zone 'utc' - interval '1 day' * $1::int, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
        let month: String = database.client().query_one(ago, &[&30_i32]).await?.get(0);
        let year: String = database.client().query_one(ago, &[&364_i32]).await?.get(0);
        let question = |name, method, params| Question { name, method, params };
        let questions = vec![
            question("metrics.get", "metrics.get", json!({})),
            question(
                "metrics.get, a month by the hour",
                "metrics.get",
                json!({"from": month, "bucket": "hour"}),
            ),
            question("metrics.get, a year by the day", "metrics.get", json!({"from": year, "bucket": "day"})),
            question(
                "metrics.get, a year of one mode",
                "metrics.get",
                json!({"from": year, "bucket": "day", "mode": "banker"}),
            ),
            question("interaction.list", "interaction.list", json!({"limit": 50})),
            question(
                "interaction.list, filtered",
                "interaction.list",
                json!({"limit": 50, "intent": "intent_5", "outcome": "escalated"}),
            ),
        ];
        let latency = questions.iter().map(|_| Latency::new()).collect();
        Ok(Self { socket: sit_down(&lab.entrance, 0, key).await?, questions, latency })
    }

    async fn ask(&mut self) -> Result<(), CallError> {
        for (question, latency) in self.questions.iter().zip(&self.latency) {
            let begin = Instant::now();
            self.socket.call::<IgnoredAny>(question.method, &question.params).await?;
            latency.record(begin.elapsed());
        }
        Ok(())
    }

    fn answers(&self, beside_messages: bool) -> Vec<Answer> {
        let answers = self.questions.iter().zip(&self.latency);
        answers
            .map(|(question, latency)| Answer {
                request: question.name,
                beside_messages,
                latency: latency.percentiles(),
            })
            .collect()
    }
}

fn report(args: &ReportsArgs, database: &Database, figures: &Figures<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("reports", figures)?;
    let mut table =
        Table::new(["answer", "beside messages", "times", "p50 ms", "p95 ms", "p99 ms", "max ms"]);
    for Answer { request, beside_messages, latency } in &figures.answers {
        let [p50, p95, p99, max] =
            [latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.max_ms].map(|ms| format!("{ms:.1}"));
        let beside = if *beside_messages { "yes" } else { "no" }.to_owned();
        table.row([(*request).to_owned(), beside, latency.count.to_string(), p50, p95, p99, max]);
    }
    report.table(table);
    report.table(outcome::rounds_table(figures.rounds));
    report.note(args.load.to_string());
    report.note(format!(
        "{} interactions of a year, written in {:.0} s, counted {:.0} s after the last.",
        grouped(per(figures.interactions.into(), 1.0)),
        figures.filled_s,
        figures.counted_s
    ));
    outcome::circumstances(&mut report, Some(&database.facts), figures.rounds.iter().map(|round| round.busy));
    outcome::truth(&mut report, Some(database), figures.rounds);
    // Beside messages they share two cores with a load that takes all it can get: told, and not held to the bar.
    let alone = figures.answers.iter().filter(|answer| !answer.beside_messages);
    let slowest = alone.map(|answer| answer.latency.p95_ms).fold(0.0, f64::max);
    report.check(
        "answers",
        slowest <= args.answer,
        format!("p95 of the slowest {slowest:.1} ms, at most {} ms", args.answer),
    );
    if let [alone, beside] = figures.rounds {
        let (before, after) = (alone.latency.p99_ms, beside.latency.p99_ms);
        let bar = args.p99.max(before * args.p99_factor);
        let detail = format!("{after:.1} ms beside reports, at most {bar:.1} ms; {before:.1} ms alone");
        report.check("p99", after <= bar, detail);
    }
    Ok(report)
}
