//! The laws of folding: any order of contacts, any batching and any repetition with keys end in the same sums and sets; so
//! do ten thousand at once, and a server that is killed in the middle.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use switchboard_tests::prelude::*;

use super::{desk, get};
use crate::opening::opened;

pub(crate) const TESTS: &[Test] = tests![
    ten_thousand_at_once_end_like_one_after_the_other,
    batches_in_opposite_orders_do_not_wait_for_each_other,
    any_batching_and_any_repetition_end_alike,
];

const CONNECTIONS: usize = 16;

async fn ten_thousand_at_once_end_like_one_after_the_other(world: World) -> Result<()> {
    let key = desk(&world).await?;
    // The embedded database takes one after the other anyway.
    let each: usize = if world.lane() == Lane::Local { 625 } else { 125 };
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..CONNECTIONS {
        let (world, key) = (world.clone(), key.clone());
        tasks.spawn(async move {
            let (mut socket, _) = opened(&world, json!({"token": key})).await?;
            // Each waits for the answer before, as a client does; two keys in five were there before.
            for n in 0..each {
                let group = n - n % 5 % 3;
                let insight = json!({"contact_id": "one", "total_eni_ids": 2, "record_count": 1,
                                     "eni_source_types": [format!("t{}", n % 7), format!("c{connection}")],
                                     "insights": {"personal": format!("{connection} {n}")}});
                let params = json!({"insight": insight, "group_key": format!("{connection} {group}")});
                let answer = socket.call("insight.upsert", params).await?;
                ensure!(answer["duplicate"] == (group != n), "{answer}");
            }
            Ok(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let fresh = CONNECTIONS * (0..each).filter(|n| n % 5 % 3 == 0).count();
    let one = get(&world, &key, "one").await?;
    ensure!(
        one["version"] == fresh && one["record_count"] == fresh && one["total_eni_ids"] == 2 * fresh,
        "{one}"
    );
    ensure!(one["eni_source_types"].as_array().map(Vec::len) == Some(7 + CONNECTIONS), "{one}");
    ensure!(world.value("select count(*) from insight_groups").await? == fresh);
    let counts = world.rows("select distinct contacts from insight_counts").await?;
    ensure!(counts == [json!({"contacts": 1})], "{counts:?}");
    Ok(())
}

async fn batches_in_opposite_orders_do_not_wait_for_each_other(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..4_usize {
        let (world, key) = (world.clone(), key.clone());
        tasks.spawn(async move {
            for round in 0..10 {
                // Old and new contacts, keys and none, and states that move between the counts.
                let entry = |n: usize| {
                    let status = ["pending", "completed", "failed"][(n + round + connection) % 3];
                    let insight = json!({"contact_id": format!("c{}", n + 20 * round), "record_count": 1,
                                         "eni_source_types": [status], "processing_status": status,
                                         "insights": {"personal": "x"}});
                    json!({"insight": insight, "group_key": n.is_multiple_of(2).then(|| format!("{connection} {round}"))})
                };
                let mut entries: Vec<Value> = (0..40).map(entry).collect();
                if connection % 2 == 0 {
                    entries.reverse();
                }
                let answer = world.rpc(Some(&key), "insight.batch_upsert", json!({"insights": entries})).await?;
                ensure!(answer["processed"] == 40 && answer["duplicates"] == 0, "{answer}");
            }
            Ok(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    ensure!(world.value("select sum(record_count) from structured_insights").await? == 1600);
    counts_are_right(&world).await
}

/// The maintained counts are those of the rows.
async fn counts_are_right(world: &World) -> Result<()> {
    let wrong = "select * from \
        (select source_type, processing_status, contacts from insight_counts where contacts <> 0) c \
        full join (select source_type, processing_status, count(*) as contacts from structured_insights, \
                   unnest(array_prepend('', eni_source_types)) source_type group by 1, 2) t \
        using (source_type, processing_status) where c.contacts is distinct from t.contacts";
    let wrong = world.rows(wrong).await?;
    ensure!(wrong.is_empty(), "{wrong:?}");
    Ok(())
}

/// What a contact ends as, by the rules: the groups in their order, each once.
#[derive(Default, Debug, PartialEq)]
struct Model {
    name: Option<String>,
    types: Vec<String>,
    total: i64,
    records: i64,
    fields: BTreeMap<String, Value>,
    status: String,
    generated_at: Option<String>,
    version: i64,
}

impl Model {
    fn fold(&mut self, insight: &Value) {
        if let Some(name) = insight["member_name"].as_str() {
            self.name = Some(name.to_owned());
        }
        for source in insight["eni_source_types"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !self.types.iter().any(|known| known == source) {
                self.types.push(source.to_owned());
            }
        }
        self.total += insight["total_eni_ids"].as_i64().unwrap_or(0);
        self.records += insight["record_count"].as_i64().unwrap_or(0);
        let said = insight["insights"].as_object().into_iter().flatten();
        self.fields.extend(
            said.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), value.clone())),
        );
        insight["processing_status"].as_str().unwrap_or("completed").clone_into(&mut self.status);
        let at = insight["generated_at"].as_str().map(str::to_owned);
        self.generated_at = self.generated_at.take().or(at);
        self.version += 1;
    }

    fn of(insight: &Value) -> Self {
        let mut model = Self::default();
        model.fold(insight);
        model.version = insight["version"].as_i64().unwrap_or(0);
        model
    }
}

async fn any_batching_and_any_repetition_end_alike(world: World) -> Result<()> {
    world.allow_warning("the Postgres of a server that was killed still runs");
    let key = desk(&world).await?;
    // To see a plan again, put its seed here.
    let seed = rand::random();
    follow(&world, &key, seed).await.with_context(|| format!("with the seed {seed}"))
}

async fn follow(world: &World, key: &str, seed: u64) -> Result<()> {
    let mut plan = StdRng::seed_from_u64(seed);
    let mut groups: Vec<Value> = (0..400).map(|n| group(&mut plan, n)).collect();
    let mut expected: BTreeMap<String, Model> = BTreeMap::new();
    for group in &groups {
        let insight = &group["insight"];
        let contact = insight["contact_id"].as_str().unwrap_or_default().to_owned();
        expected.entry(contact).or_default().fold(insight);
    }
    // Contacts among each other in any order: those of one stay in theirs.
    let mut order: Vec<usize> = (0..8).collect();
    order.shuffle(&mut plan);
    if plan.random() {
        groups.sort_by_key(|group| {
            let contact =
                group["insight"]["contact_id"].as_str().and_then(|name| name[1..].parse::<usize>().ok());
            order.iter().position(|place| Some(*place) == contact)
        });
    }
    let mut sent = 0;
    while sent < groups.len() {
        let upto = groups.len().min(sent + plan.random_range(1..40));
        // Some of what was sent before comes again, ahead of what is new.
        let from = sent.saturating_sub(plan.random_range(0..30));
        let batch = &groups[from..upto];
        let dies = plan.random_ratio(1, 6);
        if dies {
            // Killed while it is at work: some of these batches are stored, and nobody heard of it.
            let call = world.rpc(Some(key), "insight.batch_upsert", json!({"insights": batch}));
            let (outcome, killed) = tokio::join!(call, world.kill());
            killed?;
            let _ = outcome;
            world.start().await?;
        } else if batch.len() == 1 {
            world.rpc(Some(key), "insight.upsert", batch[0].clone()).await?;
            sent = upto;
        } else {
            let answer = world.rpc(Some(key), "insight.batch_upsert", json!({"insights": batch})).await?;
            ensure!(answer["processed"] == batch.len() && answer["failed"] == json!([]), "{answer}");
            sent = upto;
        }
    }
    for (contact, model) in expected {
        let insight = get(world, key, &contact).await?;
        let mut stored = Model::of(&insight);
        if model.generated_at.is_none() {
            stored.generated_at = None;
        }
        ensure!(stored == model, "{contact}: {stored:?} and not {model:?}");
        let words = model.fields.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        let found = world.rpc(Some(key), "insight.search", json!({"query": words, "limit": 100})).await?;
        let hit = found["results"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|hit| hit["insight"]["contact_id"] == *contact);
        ensure!(hit.is_some_and(|hit| hit["score"] == 1.0), "{contact}: {words}: {found}");
    }
    counts_are_right(world).await
}

fn group(plan: &mut StdRng, number: usize) -> Value {
    let contact = format!("c{}", plan.random_range(0..8));
    let fields = ["personal", "business", "investing", "three_i", "deals", "introductions"];
    let mut insights = json!({});
    for _ in 0..plan.random_range(1..4) {
        let field = fields.choose(plan).copied().unwrap_or("deals");
        insights[field] = json!(format!("word{number}{field}"));
    }
    let mut insight =
        json!({"contact_id": contact, "insights": insights, "total_eni_ids": plan.random_range(0..9)});
    if plan.random() {
        insight["member_name"] = json!(format!("Name {number}"));
        insight["record_count"] = json!(plan.random_range(0..9));
    }
    if plan.random() {
        insight["eni_source_types"] = json!([format!("t{}", number % 5), format!("t{}", number % 3)]);
        insight["processing_status"] = json!(["pending", "processing", "failed"][number % 3]);
    }
    // The first of a contact has it, or none ever: what stands for the moment of the first is not known here.
    insight["generated_at"] = json!(format!("2026-01-01T00:00:{:02}.000Z", number % 60));
    json!({"insight": insight, "group_key": format!("g{number}")})
}
