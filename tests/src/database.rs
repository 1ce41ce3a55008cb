//! The database as its administrator sees it: any query, past row-level security, while the server runs.
//!
//! Invariant: the same query gives the same rows in both lanes. Native Postgres is asked over the socket of
//! the server's private cluster; the embedded one has a single connection, the server's own, so there the
//! server is asked, through its control socket.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::machine::Lane;
use crate::patience;

/// The rows of a `select`, each an object by column name. `data` is the server's data folder.
pub async fn rows(lane: Lane, data: &Path, select: &str) -> Result<Vec<Value>> {
    let select = select.trim().trim_end_matches(';');
    let whole = format!("select coalesce(json_agg(answer), '[]')::text as rows from ({select}) as answer");
    let text = ask(lane, data, &whole).await.with_context(|| format!("asking the database: {select}"))?;
    let text = text.context("an aggregate gives one row")?;
    match serde_json::from_str(&text)? {
        Value::Array(rows) => Ok(rows),
        other => bail!("an array of rows was expected: {other}"),
    }
}

/// Runs a statement that gives no rows.
pub async fn execute(lane: Lane, data: &Path, statement: &str) -> Result<()> {
    ask(lane, data, statement).await.with_context(|| format!("telling the database: {statement}"))?;
    Ok(())
}

/// The first column of the first row, as text.
async fn ask(lane: Lane, data: &Path, sql: &str) -> Result<Option<String>> {
    match lane {
        Lane::Local => patience::within("an answer of Postgres", ask_postgres(data, sql)).await,
        Lane::Embedded => {
            patience::within("an answer of the server's control socket", ask_server(data, sql)).await
        }
    }
}

async fn ask_postgres(data: &Path, sql: &str) -> Result<Option<String>> {
    let (client, connection) = tokio_postgres::Config::new()
        .host_path(data.join("postgres-local/socket"))
        .user("switchboard")
        .dbname("postgres")
        .connect(NoTls)
        .await
        .context("connecting to the server's private cluster")?;
    let ask = async { Ok::<_, anyhow::Error>(client.simple_query(sql).await?) };
    // The connection does its work only while it is polled; it never ends before the client is dropped.
    let messages = tokio::select! {
        messages = ask => messages?,
        ended = connection => return Err(anyhow!("the connection ended: {ended:?}")),
    };
    Ok(messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

/// The first line that the running server answers to a command over its control socket.
pub async fn command(data: &Path, command: &Value) -> Result<Value> {
    let socket =
        UnixStream::connect(data.join("control.sock")).await.context("connecting to the control socket")?;
    let mut socket = BufReader::new(socket);
    socket.write_all(format!("{command}\n").as_bytes()).await?;
    let mut answer = String::new();
    socket.read_line(&mut answer).await?;
    serde_json::from_str(&answer).with_context(|| format!("the control socket said {answer:?}"))
}

async fn ask_server(data: &Path, sql: &str) -> Result<Option<String>> {
    let answer = command(data, &json!({"command": "query", "sql": sql})).await?;
    if let Some(error) = answer.get("error") {
        bail!("{error}");
    }
    let first = answer["rows"].get(0).and_then(Value::as_object).and_then(|row| row.values().next());
    Ok(first.and_then(Value::as_str).map(str::to_owned))
}
