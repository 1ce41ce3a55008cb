//! What the dashboard is told: sums that are those of the rows, the log of what was decided, the trace of one
//! conversation.

use std::time::{SystemTime, UNIX_EPOCH};

use switchboard_tests::prelude::*;

use crate::commands::{add_key, add_workspace};
use crate::http::refused;
use crate::wire_faults::fields;

pub(crate) const TESTS: &[Test] = tests![
    metrics_are_what_the_rows_say,
    a_turn_is_in_every_report_at_once,
    the_log_of_interactions_is_filtered_and_leads_from_page_to_page,
    reports_are_for_those_who_may_see_them,
    a_period_is_bounded,
    messages_keep_flowing_while_interactions_are_counted,
];

/// Random interactions of ten days, committed out of their order, as after an outage.
const RANDOM: &str = "
select setseed(SEED);
insert into interactions (workspace_id, id, conversation_id, turn, mode, intent, category, confidence, outcome, escalated,
                          trigger_type, processing_time_ms, created_at)
select w.id, gen_random_uuid(), gen_random_uuid(), 1 + (random() * 3)::int, (array['customer', 'banker', null])[1 + (random() * 2)::int],
       'intent_' || (random() * 7)::int, (array['automatable', 'sensitive'])[1 + (random())::int],
       case when random() < 0.9 then random()::real end,
       case when x.escalated then 'escalated' else (array['resolved', 'asked', 'refused', 'cancelled'])[1 + (random() * 3)::int] end,
       x.escalated, case when x.escalated then (array['user_request', 'agent_error'])[1 + (random())::int] end,
       exp(random() * 12)::bigint - 1, timestamptz '2026-03-01' + random() * interval '10 days'
from (select random() < 0.2 as escalated, n from generate_series(1, 3000) n) x, workspaces w
where w.slug = 'default' and x.n > 0;
insert into users (id, workspace_id) select gen_random_uuid(), id from workspaces where slug = 'default';
insert into conversations (id, workspace_id, user_id, status, owner, mode, rating, version, write_id, created_at, updated_at)
select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(gen_random_uuid()::text, 16))::uuid,
       workspace_id, user_id, (array['active', 'waiting', 'closed'])[1 + (random() * 2)::int], 'none',
       (array['customer', 'banker'])[1 + (random())::int], case when random() < 0.5 then 1 + (random() * 4)::int end, 1,
       gen_random_uuid(), at, at
from (select u.workspace_id, u.id as user_id, timestamptz '2026-03-01' + random() * interval '10 days' as at
      from users u, generate_series(1, 300) where u.workspace_id is not null) c;
insert into escalations (workspace_id, id, version, conversation_id, trigger_type, status, created_at, claimed_at, updated_at)
select workspace_id, gen_random_uuid(), 1, id, 'user_request', (array['pending', 'in_progress', 'resolved'])[1 + (random() * 2)::int],
       created_at, case when random() < 0.7 then created_at + random() * interval '3 hours' end, created_at
from conversations where random() < 0.5";

/// The same sums, straight from the rows of a period and a mode.
fn straight(from: &str, to: &str, mode: Option<&str>) -> String {
    let of = |column: &str| mode.map_or_else(String::new, |mode| format!(" and {column} = '{mode}'"));
    let (i, c) = (of("mode"), of("c.mode"));
    let percentile = |share: &str, what: &str, more: &str| {
        format!("(select percentile_disc({share}) within group (order by {what}) from i where true {more})")
    };
    format!(
        "with i as (select * from interactions where created_at >= '{from}' and created_at < '{to}'{i}), \
         claimed as (select extract(epoch from e.claimed_at - e.created_at) as s from escalations e \
           join conversations c on c.id = e.conversation_id where claimed_at >= '{from}' and claimed_at < '{to}'{c}), \
         rated as (select rating from conversations c where rating is not null and created_at >= '{from}' \
           and created_at < '{to}'{c}) \
         select count(*) as total, count(*) filter (where outcome = 'resolved') as resolved, \
           count(*) filter (where escalated) as escalated, avg(confidence::float8) as confidence, \
           count(*) filter (where trigger_type = 'agent_error') as errors, {} as p50, {} as p95, {} as p99, \
           {} as first50, {} as first95, \
           (select percentile_disc(0.5) within group (order by s) from claimed) as claim50, \
           (select percentile_disc(0.95) within group (order by s) from claimed) as claim95, \
           (select count(*) from rated) as ratings, (select avg(rating)::float8 from rated) as rating, \
           (select count(*) from conversations c where status in ('active', 'waiting', 'with_staff'){c}) as active, \
           (select count(*) from escalations e join conversations c on c.id = e.conversation_id \
            where e.status <> 'resolved'{c}) as open, \
           (select json_agg(row_to_json(n)) from (select intent as name, count(*) as interactions, \
              count(*) filter (where escalated) as escalated from i group by 1 order by 2 desc, 1) n) as intents \
         from i",
        percentile("0.5", "processing_time_ms", ""),
        percentile("0.95", "processing_time_ms", ""),
        percentile("0.99", "processing_time_ms", ""),
        percentile("0.5", "processing_time_ms", "and turn = 1 and outcome <> 'cancelled'"),
        percentile("0.95", "processing_time_ms", "and turn = 1 and outcome <> 'cancelled'"),
    )
}

/// Off by 5% at most; what is below one counts as nothing.
fn near(told: &Value, exact: &Value) -> bool {
    match (told.as_f64(), exact.as_f64()) {
        (None, None) => true,
        (Some(told), Some(exact)) => (told - exact).abs() <= exact * 0.05 || (exact < 1.0 && told == 0.0),
        _ => false,
    }
}

fn equal(told: &Value, exact: &Value) -> bool {
    match (told.as_f64(), exact.as_f64()) {
        (None, None) => true,
        (Some(told), Some(exact)) => (told - exact).abs() < 1e-6,
        _ => false,
    }
}

async fn metrics_are_what_the_rows_say(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "console", "staff", "default").await?;
    let seed = f64::from(SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos()) / 1e9;
    // In one piece: the seed is a session's.
    world.execute(&RANDOM.replace("SEED", &seed.to_string())).await?;
    eventually("everything to be counted", async || {
        let left = "select count(*) from interactions where not counted";
        Ok((world.value(left).await? == 0).then_some(()))
    })
    .await?;
    for (from, to, widened, mode, bucket) in [
        ("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", None, None, "day"),
        ("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z", None, Some("banker"), "hour"),
        (
            "2026-03-02T05:10:00Z",
            "2026-03-05T17:50:00Z",
            Some(("2026-03-02T05:00:00Z", "2026-03-05T18:00:00Z")),
            None,
            "hour",
        ),
        (
            "2026-03-02T05:10:00Z",
            "2026-03-05T17:50:00Z",
            Some(("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z")),
            Some("customer"),
            "day",
        ),
        (
            "2026-03-04T05:10:00Z",
            "2026-03-04T07:00:00Z",
            Some(("2026-03-04T05:00:00Z", "2026-03-04T07:00:00Z")),
            None,
            "hour",
        ),
        ("2026-02-20T00:00:00Z", "2026-04-02T00:00:00Z", None, Some("banker"), "day"),
        ("2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z", None, None, "hour"),
    ] {
        let mut params = json!({"from": from, "to": to, "bucket": bucket});
        if let Some(mode) = mode {
            params["mode"] = json!(mode);
        }
        let told = world.rpc(Some(&key), "metrics.get", params).await?;
        let (wide_from, wide_to) = widened.unwrap_or((from, to));
        let exact = world.rows(&straight(wide_from, wide_to, mode)).await?.remove(0);
        let context = || format!("seed {seed}, {from} to {to}, {mode:?} by {bucket}: {told} is not {exact}");
        for (told, exact) in [
            (&told["total_interactions"], &exact["total"]),
            (&told["resolved"], &exact["resolved"]),
            (&told["escalated"], &exact["escalated"]),
            (&told["avg_confidence"], &exact["confidence"]),
            (&told["errors"], &exact["errors"]),
            (&told["csat"]["count"], &exact["ratings"]),
            (&told["csat"]["average"], &exact["rating"]),
            (&told["active_conversations"], &exact["active"]),
            (&told["open_escalations"], &exact["open"]),
        ] {
            ensure!(equal(told, exact), "{told} is not {exact}: {}", context());
        }
        for (told, exact) in [
            (&told["processing_ms"]["p50"], &exact["p50"]),
            (&told["processing_ms"]["p95"], &exact["p95"]),
            (&told["processing_ms"]["p99"], &exact["p99"]),
            (&told["first_response_ms"]["p50"], &exact["first50"]),
            (&told["first_response_ms"]["p95"], &exact["first95"]),
            (&told["time_to_claim_s"]["p50"], &exact["claim50"]),
            (&told["time_to_claim_s"]["p95"], &exact["claim95"]),
        ] {
            ensure!(near(told, exact), "{told} is not near {exact}: {}", context());
        }
        let total = exact["total"].as_f64().context("a count")?;
        let rate = exact["escalated"].as_f64().context("a count")? / total.max(1.0);
        ensure!(equal(&told["escalation_rate"], &json!(rate)), "{}", context());
        let contained = if total == 0.0 { 0.0 } else { 1.0 - rate };
        ensure!(equal(&told["containment_rate"], &json!(contained)), "{}", context());
        ensure!(told["by_intent"] == exact["intents"] || exact["intents"].is_null(), "{}", context());
        series_adds_up(&world, &told, (wide_from, wide_to), mode, bucket).await.with_context(context)?;
    }
    Ok(())
}

async fn series_adds_up(
    world: &World,
    told: &Value,
    (from, to): (&str, &str),
    mode: Option<&str>,
    bucket: &str,
) -> Result<()> {
    let series = told["series"].as_array().context("a series")?;
    let of_mode = mode.map_or_else(String::new, |mode| format!(" and mode = '{mode}'"));
    let exact = world
        .rows(&format!(
            "select to_char(b at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as at, count(id) as interactions, \
             count(id) filter (where escalated) as escalated, \
             percentile_disc(0.95) within group (order by processing_time_ms) as p95 \
             from generate_series(timestamptz '{from}', timestamptz '{to}' - interval '1 {bucket}', interval '1 {bucket}') b \
             left join interactions i on i.created_at >= b and i.created_at < b + interval '1 {bucket}'{of_mode} \
             group by b order by b"
        ))
        .await?;
    ensure!(series.len() == exact.len(), "{} buckets are not {}", series.len(), exact.len());
    for (told, exact) in series.iter().zip(&exact) {
        let same = ["at", "interactions", "escalated"].iter().all(|field| told[field] == exact[field]);
        ensure!(same && near(&told["p95_ms"], &exact["p95"]), "{told} is not {exact}");
    }
    Ok(())
}

async fn a_turn_is_in_every_report_at_once(world: World) -> Result<()> {
    world.with_preset("bank");
    world.start().await?;
    let key = add_key(&world, "console", "staff", "default").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("I want to talk to a human").await?;
    while visitor.next_message().await?["role"] != "assistant" {}
    let metrics = world.rpc(Some(&key), "metrics.get", json!({})).await?;
    ensure!(metrics["total_interactions"] == 1 && metrics["active_conversations"] == 1, "{metrics}");
    ensure!(metrics["first_response_ms"]["p50"] == metrics["processing_ms"]["p50"], "{metrics}");
    let listed = world.rpc(Some(&key), "interaction.list", json!({})).await?;
    let interaction = &listed["interactions"][0];
    ensure!(
        interaction["user_message"] == "I want to talk to a human" && interaction["turn"] == 1,
        "{listed}"
    );
    ensure!(
        interaction["conversation_id"] == visitor.conversation && interaction["outcome"] == "asked",
        "{listed}"
    );

    let params = json!({"conversation_id": visitor.conversation});
    let trace = world.rpc(Some(&key), "workflow.get", params).await?;
    ensure!(
        trace["workflow_state"]["workflow_type"] == "bank" && trace["workflow_state"]["turn"] == 1,
        "{trace}"
    );
    ensure!(trace["workflow_state"]["awaiting"] == "contact_details", "{trace}");
    ensure!(trace["workflow_state"]["checkpoint"]["pending"].is_object(), "{trace}");
    ensure!(trace["agent_states"][0]["turn"] == 1, "{trace}");
    let steps = trace["turns"][0]["steps"].as_array().context("steps")?;
    let names: Vec<_> = steps.iter().filter_map(|step| step["step"].as_str()).collect();
    ensure!(names.first() == Some(&"guard") && names.contains(&"classify"), "{names:?}");
    ensure!(steps.iter().all(|step| step["status"] == "done" && step["ms"].is_u64()), "{trace}");
    Ok(())
}

async fn the_log_of_interactions_is_filtered_and_leads_from_page_to_page(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "console", "staff", "default").await?;
    // Several of one moment: a page may end between them.
    world
        .execute(
            "insert into interactions (workspace_id, id, conversation_id, turn, mode, intent, outcome, escalated, \
             processing_time_ms, created_at) select w.id, gen_random_uuid(), gen_random_uuid(), n, \
             case when n % 2 = 0 then 'banker' else 'customer' end, 'intent_' || n % 3, \
             case when n % 5 = 0 then 'asked' else 'resolved' end, false, 1, \
             timestamptz '2026-03-01' + n / 4 * interval '1 minute' from generate_series(0, 29) n, workspaces w",
        )
        .await?;
    let mut turns = Vec::new();
    let mut params = json!({"limit": 7});
    loop {
        let page = world.rpc(Some(&key), "interaction.list", params.clone()).await?;
        let rows = page["interactions"].as_array().context("interactions")?;
        turns.extend(rows.iter().filter_map(|row| row["turn"].as_u64()));
        if page["next_cursor"].is_null() {
            break;
        }
        ensure!(rows.len() == 7, "{page}");
        params["cursor"] = page["next_cursor"].clone();
    }
    ensure!(turns.len() == 30 && turns.iter().map(|turn| turn / 4).is_sorted_by(|a, b| a >= b), "{turns:?}");
    turns.sort_unstable();
    turns.dedup();
    ensure!(turns.len() == 30, "each once");
    for (filter, expected) in [
        (json!({"mode": "banker"}), 15),
        (json!({"intent": "intent_1"}), 10),
        (json!({"outcome": "asked"}), 6),
        (json!({"intent": "intent_0", "mode": "customer", "outcome": "resolved"}), 4),
        (json!({"from": "2026-03-01T00:01:00Z", "to": "2026-03-01T00:02:00Z"}), 4),
        (json!({"intent": "nothing"}), 0),
    ] {
        let page = world.rpc(Some(&key), "interaction.list", filter.clone()).await?;
        ensure!(page["interactions"].as_array().map(Vec::len) == Some(expected), "{filter}: {page}");
    }
    let error = refused(&world, Some(&key), "interaction.list", json!({"cursor": "x", "limit": 1})).await?;
    ensure!(fields(&error)? == ["cursor"], "{error}");
    let wrong = json!({"outcome": "fine", "from": "yesterday", "limit": 0});
    let error = refused(&world, Some(&key), "interaction.list", wrong).await?;
    ensure!(fields(&error)? == ["from", "limit", "outcome"], "{error}");
    Ok(())
}

async fn reports_are_for_those_who_may_see_them(world: World) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let staff = add_key(&world, "console", "staff", "default").await?;
    let service = add_key(&world, "crm", "service", "default").await?;
    let other = add_key(&world, "till", "admin", "shop").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    world
        .execute(
            "insert into interactions (workspace_id, id, conversation_id, turn, outcome, escalated, processing_time_ms, \
             created_at) select id, gen_random_uuid(), gen_random_uuid(), 1, 'resolved', false, 1, now() from workspaces \
             where slug = 'default'",
        )
        .await?;
    let trace = json!({"conversation_id": visitor.conversation});
    for (method, params) in
        [("metrics.get", json!({})), ("interaction.list", json!({})), ("workflow.get", trace.clone())]
    {
        world.rpc(Some(&staff), method, params.clone()).await?;
        let refusal = refused(&world, Some(&visitor.token), method, params.clone()).await?;
        ensure!(refusal.kind == "forbidden", "{method}: {refusal}");
    }
    for method in ["metrics.get", "interaction.list"] {
        ensure!(refused(&world, Some(&service), method, json!({})).await?.kind == "forbidden", "{method}");
    }
    let empty = world.rpc(Some(&service), "workflow.get", trace.clone()).await?;
    ensure!(empty == json!({"workflow_state": null, "agent_states": [], "turns": []}), "{empty}");
    ensure!(refused(&world, Some(&other), "workflow.get", trace).await?.kind == "not_found");
    ensure!(world.rpc(Some(&other), "metrics.get", json!({})).await?["total_interactions"] == 0);
    ensure!(world.rpc(Some(&staff), "metrics.get", json!({})).await?["total_interactions"] == 1);
    let listed = world.rpc(Some(&other), "interaction.list", json!({})).await?;
    ensure!(listed["interactions"] == json!([]), "{listed}");
    Ok(())
}

async fn a_period_is_bounded(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "console", "staff", "default").await?;
    for (params, field) in [
        (json!({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}), "from"),
        (json!({"from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z", "bucket": "hour"}), "bucket"),
        (json!({"from": "2001-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"}), "from"),
        (json!({"to": "9999-01-01T00:00:00Z"}), "to"),
        (json!({"bucket": "week"}), "bucket"),
        (json!({"from": 5}), "from"),
    ] {
        let error = refused(&world, Some(&key), "metrics.get", params.clone()).await?;
        ensure!(fields(&error)? == [field], "{params}: {error}");
    }
    let year = json!({"from": "2025-03-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"});
    let series = world.rpc(Some(&key), "metrics.get", year).await?["series"].take();
    ensure!(series.as_array().map(Vec::len) == Some(365), "by the day");
    Ok(())
}

async fn messages_keep_flowing_while_interactions_are_counted(world: World) -> Result<()> {
    world.without_limits();
    world.start().await?;
    world
        .execute(
            "insert into interactions (workspace_id, id, conversation_id, turn, outcome, escalated, processing_time_ms, \
             created_at) select w.id, gen_random_uuid(), gen_random_uuid(), 1, 'resolved', false, n, now() - n * interval \
             '1 minute' from generate_series(1, 20000) n, workspaces w",
        )
        .await?;
    let mut visitor = world.visitor().await?;
    let mut sent = 0;
    loop {
        visitor.send("still here?").await?;
        sent += 1;
        if world.value("select count(*) from interactions where not counted").await? == 0 {
            break;
        }
        ensure!(sent < 10_000, "it is never done");
    }
    let counted =
        "select sum(interactions)::bigint from interaction_rollups where mode = '*' and grain = 'hour'";
    ensure!(world.value(counted).await? == 20_000, "each once");
    Ok(())
}
