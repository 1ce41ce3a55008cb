//! What operators, programs and browsers fetch: health, metrics, the schema of the protocol, the pages.

use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH};
use switchboard_tests::prelude::*;

use crate::commands::add_key;

pub(crate) const TESTS: &[Test] = tests![
    a_server_says_that_it_is_alive_and_ready,
    the_metrics_measure_what_the_operator_must_know_and_name_nobody,
    the_protocol_is_published_as_json_schema,
    every_answer_tells_the_browser_to_be_careful,
    the_pages_are_served_with_the_right_types_and_only_once,
];

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

async fn a_server_says_that_it_is_alive_and_ready(world: World) -> Result<()> {
    world.start().await?;
    for path in ["/healthz", "/readyz"] {
        let response = world.get(path).await?;
        ensure!(response.status() == 200 && !response.text().await?.is_empty(), "{path}");
        ensure!(world.http().head(world.url(path)).send().await?.status() == 200, "{path}");
        ensure!(world.http().post(world.url(path)).send().await?.status() == 405, "{path}");
    }
    ensure!(world.get("/nowhere").await?.status() == 404);
    ensure!(world.get("/../../etc/passwd").await?.status() == 404);
    ensure!(world.get("/%2e%2e/%2e%2e/etc/passwd").await?.status() == 404);
    Ok(())
}

/// The lines of a metric, without what describes it.
fn samples<'a>(metrics: &'a str, name: &str) -> Vec<&'a str> {
    metrics.lines().filter(|line| line.starts_with(name)).collect()
}

async fn the_metrics_measure_what_the_operator_must_know_and_name_nobody(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let mut visitor = Visitor::open(world.address(), json!({"user": {"email": "ann@shop.example"}})).await?;
    visitor.send("hello").await?;
    visitor.lose();
    ensure!(visitor.resume().await?);
    visitor.send("again").await?;
    let mut violator = world.visitor().await?;
    violator.socket()?.send_binary(b"x").await?;
    violator.socket()?.expect_close().await?;
    violator.lose();
    visitor.socket()?.call_refused("message.list", json!({})).await?;

    let response = world.get("/metrics").await?;
    ensure!(header(response.headers(), "content-type").starts_with("text/plain"), "{:?}", response.headers());
    let metrics = eventually("the sockets that have gone to be counted", async || {
        let metrics = world.get("/metrics").await?.text().await?;
        Ok(samples(&metrics, "switchboard_connections ")
            .first()
            .is_some_and(|line| line.ends_with(" 1"))
            .then_some(metrics))
    })
    .await?;
    // Connections, sessions live and asleep, lane depth, batch size, commit latency, acks, persistence failures,
    // pool and statement times, resumes, closes by code.
    for part in [
        "connections",
        "sessions",
        "sessions_live",
        "lane_depth",
        "batch",
        "commit",
        "messages_committed",
        "persistence_failures",
        "pool",
        "statement",
        "opens_total",
        "closes_total",
    ] {
        ensure!(
            metrics.lines().any(|line| line.starts_with(&format!("switchboard_{part}"))),
            "nothing of {part} in\n{metrics}"
        );
    }
    let closes = samples(&metrics, "switchboard_closes_total");
    ensure!(closes.iter().any(|line| line.contains("protocol_violation")), "{closes:?}");
    ensure!(!closes.iter().any(|line| line.contains("websocket")), "who goes breaks no protocol: {closes:?}");
    // Each is described, and none grows with the number of people.
    for line in metrics.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let base = ["_bucket", "_sum", "_count"].iter().fold(name, |name, end| name.trim_end_matches(end));
        let described = |word: &str| {
            metrics.contains(&format!("# {word} {name} ")) || metrics.contains(&format!("# {word} {base} "))
        };
        ensure!(described("HELP") && described("TYPE"), "{line}");
    }
    for personal in [&visitor.conversation, &visitor.token, &key, "ann@shop.example", "127.0.0.1"] {
        ensure!(!metrics.contains(personal), "{personal} is in the metrics");
    }
    Ok(())
}

async fn the_protocol_is_published_as_json_schema(world: World) -> Result<()> {
    world.start().await?;
    let response = world.get("/protocol.json").await?;
    ensure!(header(response.headers(), "content-type").starts_with("application/json"));
    let document: Value = response.json().await?;
    for method in [
        "session.open",
        "session.refresh",
        "message.send",
        "message.list",
        "message.read",
        "message.feedback",
        "typing",
        "turn.cancel",
        "escalation.request",
        "conversation.close",
        "conversation.rate",
        "conversation.list",
    ] {
        let described = &document["methods"][method];
        ensure!(described["params"].is_object() && described["result"].is_object(), "{method}: {described}");
    }
    for notification in [
        "message.created",
        "message.delta",
        "message.withdrawn",
        "message.rejected",
        "conversation.updated",
        "read.updated",
        "workflow.step",
        "typing",
        "server.draining",
    ] {
        ensure!(document["notifications"][notification]["params"].is_object(), "{notification}");
    }
    let text = document.to_string();
    for word in ["-32010", "position_lost", "rate_limited", "4001", "4503"] {
        ensure!(text.contains(word), "{word}");
    }
    Ok(())
}

async fn every_answer_tells_the_browser_to_be_careful(world: World) -> Result<()> {
    world.start().await?;
    for path in [
        "/",
        "/staff",
        "/widget.js",
        "/healthz",
        "/protocol.json",
        "/nowhere",
        "/api/conversations/x/history",
    ] {
        let response = world.get(path).await?;
        let headers = response.headers();
        ensure!(header(headers, "x-content-type-options") == "nosniff", "{path}: {headers:?}");
        ensure!(header(headers, "referrer-policy") == "no-referrer", "{path}: {headers:?}");
        if header(headers, "content-type").starts_with("text/html") {
            let policy = header(headers, "content-security-policy");
            ensure!(
                ["'self'", "'none'"].iter().any(|who| policy.contains(&format!("default-src {who}")))
                    && policy.contains("frame-ancestors"),
                "{path}: {policy}"
            );
            ensure!(!policy.contains("script-src 'unsafe"), "{policy}");
        }
    }
    Ok(())
}

async fn the_pages_are_served_with_the_right_types_and_only_once(world: World) -> Result<()> {
    world.start().await?;
    for (path, kind) in
        [("/", "text/html"), ("/widget.js", "text/javascript"), ("/client.js", "text/javascript")]
    {
        let response = world.get(path).await?;
        let headers = response.headers().clone();
        ensure!(
            response.status() == 200 && header(&headers, "content-type").starts_with(kind),
            "{path}: {headers:?}"
        );
        ensure!(!header(&headers, "cache-control").is_empty(), "{path}: {headers:?}");
        ensure!(response.text().await?.len() > 100, "{path}");
        let tag = headers.get(ETAG).with_context(|| format!("{path} has no tag"))?;
        let again = world.http().get(world.url(path)).header(IF_NONE_MATCH, tag).send().await?;
        ensure!(again.status() == 304 && again.text().await?.is_empty(), "{path}");
        let other = world.http().get(world.url(path)).header(IF_NONE_MATCH, "\"other\"").send().await?;
        ensure!(other.status() == 200, "{path}");
    }
    // Any page may embed the widget.
    let widget = world.get("/widget.js").await?;
    ensure!(header(widget.headers(), "access-control-allow-origin") == "*");
    ensure!(header(widget.headers(), "cross-origin-resource-policy") == "cross-origin");
    // What the widget is made with is not for the world.
    for path in ["/jsconfig.json", "/types.d.ts", "/protocol.d.ts"] {
        let response = world.get(path).await?;
        ensure!(response.status() == 404 || response.headers().get(CONTENT_TYPE).is_some(), "{path}");
    }
    Ok(())
}
