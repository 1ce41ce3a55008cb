//! Coming from an older desk: its database is read, table by table, once or again, and nothing of it is lost in silence.

pub(crate) mod runs;

use std::process::Output;

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;
use tokio_postgres::NoTls;

use crate::commands::{add_key, failure};
use crate::messages::text;

pub(crate) const TESTS: &[Test] = tests![
    a_support_desk_comes_over_table_by_table needs LocalDatabase,
    a_second_run_changes_nothing_and_the_source_is_never_written needs LocalDatabase,
    a_bank_with_other_names_comes_over_too needs LocalDatabase,
    a_dry_run_of_a_deployment_brings_nothing needs LocalDatabase,
];

const SUPPORT: &str = include_str!("../files/older/support.sql");
const BANK: &str = include_str!("../files/older/bank.sql");

/// An older desk's database, beside the one of the world's own server.
struct Older {
    world: World,
    name: &'static str,
}

impl Older {
    async fn make(world: &World, name: &'static str, sql: &str) -> Result<Self> {
        world.execute(&format!("create database {name}")).await?;
        let older = Self { world: world.clone(), name };
        older.execute(sql).await?;
        Ok(older)
    }

    fn address(&self) -> String {
        let socket = self.world.data().join("postgres-local/socket");
        format!("host={} user=switchboard dbname={}", socket.display(), self.name)
    }

    async fn execute(&self, sql: &str) -> Result<()> {
        let (client, connection) = tokio_postgres::connect(&self.address(), NoTls).await?;
        let work = async { client.batch_execute(sql).await.context("in the older desk's database") };
        tokio::select! { done = work => done, _ = connection => bail!("the connection ended") }
    }

    /// All that is in it, as one text.
    async fn fingerprint(&self) -> Result<String> {
        let (client, connection) = tokio_postgres::connect(&self.address(), NoTls).await?;
        let work = async {
            let sql = "select coalesce(string_agg(t.relname || ':' || (s.n_tup_ins + s.n_tup_upd + s.n_tup_del), ' ' order by t.relname), '')
                       from pg_class t join pg_stat_user_tables s on s.relid = t.oid";
            let row = client.query_one(sql, &[]).await?;
            Ok::<String, anyhow::Error>(row.get(0))
        };
        tokio::select! { done = work => done, _ = connection => bail!("the connection ended") }
    }

    async fn import(&self, more: &[&str]) -> Result<Output> {
        self.command("deployment", more).await
    }

    async fn command(&self, what: &str, more: &[&str]) -> Result<Output> {
        let backup = self.world.path(&format!("before-{}.jsonl", self.name));
        let mut arguments = vec!["import", what];
        let address = self.address();
        arguments.push(&address);
        let backup = backup.to_str().context("a path that is text")?;
        if what == "deployment" {
            arguments.extend(["--backup", backup]);
        }
        arguments.extend(more);
        self.world.command(&arguments).await
    }
}

/// What came over, without what only says when.
async fn stored(world: &World) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for sql in [
        "select * from conversations order by id",
        "select * from messages order by conversation_id, seq",
        "select id, email, name, password_hash, metadata from users order by id",
        "select * from user_roles order by user_id, role",
        "select id, conversation_id, status, contact_info, conversation_context from escalations order by id",
        "select id, conversation_id, turn, outcome, detail from interactions order by id",
        "select * from agent_states order by conversation_id, agent_name",
        "select * from workflow_states order by conversation_id",
        "select id, title, content, source, metadata from knowledge_documents order by id",
        "select contact_id, eni_source_types, eni_source_subtypes, total_eni_ids, record_count, insights, version, metadata
         from structured_insights order by contact_id",
        "select id, task, trajectory, outcome, metadata from reasoning_traces order by id",
        "select id, trace_id, title, content, pattern_tags from memory_items order by id",
    ] {
        all.extend(world.rows(sql).await?);
    }
    Ok(all)
}

async fn a_support_desk_comes_over_table_by_table(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let staff = add_key(&world, "staff", "staff", "default").await?;
    let older = Older::make(&world, "support", SUPPORT).await?;
    let output = older.import(&[]).await?;
    let said = failure(&output, 1)?;
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in [
        "users (people): 4 rows, 3 came over, 0 were there already, 1 failed",
        "conversations (conversations): 3 rows, 3 came over, 0 were there already, 0 failed",
        "messages (messages): 8 rows, 4 came over, 0 were there already, 4 failed",
        "agent_states (agent states): 4 rows, 2 came over, 0 were there already, 1 failed, 1 were overtaken by later ones",
        "workflow_states (workflow states): 1 rows, 1 came over, 0 were there already, 0 failed",
        "interactions (interactions): 3 rows, 2 came over, 0 were there already, 1 failed",
        "escalations (escalations): 2 rows, 2 came over, 0 were there already, 0 failed",
        "knowledge_documents (knowledge): 2 rows, 1 came over, 0 were there already, 1 failed",
        "member_facts_2023 (insights): 5 rows, 3 came over, 0 were there already, 2 failed",
        "reasoning_traces (traces): 1 rows, 1 came over, 0 were there already, 0 failed",
        "memory_items (memories): 3 rows, 2 came over, 0 were there already, 1 failed",
        "alembic_version: not recognised, left out (its columns: version_num)",
    ] {
        ensure!(summary.lines().any(|told| told == line), "{line}: {summary}\n{said}");
    }
    // Whatever did not come is named with its table and key.
    for (place, why) in [
        ("support/users id=aaaaaaaa-0000-4000-8000-000000000003", "no address"),
        ("support/messages id=dddddddd-0000-4000-8000-000000000003", "the role `oracle` is not known"),
        (
            "support/messages id=dddddddd-0000-4000-8000-000000000006",
            "its conversation cccccccc-0000-4000-8000-00000000000f is not there",
        ),
        ("support/messages id=dddddddd-0000-4000-8000-000000000007", "it names no conversation"),
        ("support/messages id=dddddddd-0000-4000-8000-000000000008", "it says nothing"),
        ("support/agent_states id=4", "is not there"),
        ("support/interactions id=eeeeeeee-0000-4000-8000-000000000003", "is not there"),
        ("support/knowledge_documents id=99999999-0000-4000-8000-000000000002", "it holds no text"),
        ("support/member_facts_2023 id=4", "insights is required"),
        ("support/member_facts_2023 id=5", "contact_id is required"),
        ("support/reasoning_traces id=77777777-0000-4000-8000-000000000001", "it holds no text"),
    ] {
        let named = |line: &str| line.starts_with(&format!("{place}: ")) && line.contains(why);
        ensure!(said.lines().any(named), "{place}: {why}: {said}");
    }
    ensure!(said.contains("2 accounts have no password"), "{said}");

    people_and_logs(&world, &key).await?;
    who_waits_and_who_comes_back(&world, &key, &staff).await?;
    what_was_known(&world, &key).await?;
    printed(&world.command(&["doctor", "--data"]).await?)?;
    Ok(())
}

/// A conversation of theirs.
const ORDER: &str = "cccccccc-0000-4000-8000-000000000001";

/// Who came over, and what was said.
async fn people_and_logs(world: &World, key: &str) -> Result<()> {
    // Accounts, without what they logged in with.
    let accounts = world
        .rows("select email, name, password_hash, metadata, (select role from user_roles r where r.user_id = u.id) as role
               from users u where workspace_id is null and email like '%shop%' order by email")
        .await?;
    ensure!(
        accounts[0]
            == json!({"email": "ann@shop.example", "name": "Ann Lee", "password_hash": null, "role": "member",
                              "metadata": {"plan": "gold", "is_active": true, "import_id": "aaaaaaaa-0000-4000-8000-000000000001"}})
            && accounts[1]["role"] == "staff",
        "{accounts:?}"
    );
    // Logs in their order, dense, masked, with what is not known as metadata.
    let page = world.rpc(Some(key), "message.list", json!({"conversation_id": ORDER})).await?;
    let messages = page["messages"].as_array().context("messages")?;
    ensure!(
        messages.len() == 3 && messages[0]["content"] == "Where is it? My password is [secret removed]",
        "{page}"
    );
    ensure!(
        messages[1]["role"] == "assistant"
            && messages[1]["agent_name"] == "navigator"
            && messages[1]["metadata"] == json!({"tokens": 12, "model": "m"})
            && messages[1]["created_at"] == "2024-05-06T07:00:02.000Z",
        "{page}"
    );
    let conversation =
        world.rows(&format!("select status, metadata from conversations where id = '{ORDER}'")).await?;
    ensure!(
        conversation[0]
            == json!({"status": "closed", "metadata": {"page": "/orders", "title": "My order", "session_id": "s-1",
                                  "import_status": "active", "import_id": ORDER, "import_messages": 3}}),
        "{conversation:?}"
    );
    Ok(())
}

/// What goes on here, and what led to it.
async fn who_waits_and_who_comes_back(world: &World, key: &str, staff: &str) -> Result<()> {
    // A password makes the account the member that it was, with its conversations.
    let add = ["user", "add", "--email", "ann@shop.example", "--role", "member", "--password-stdin"];
    printed(&world.command_with_input(&add, "correct horse battery\n").await?)?;
    let login = json!({"email": "ann@shop.example", "password": "correct horse battery"});
    let login: Value =
        world.http().post(world.url("/api/auth/login")).json(&login).send().await?.json().await?;
    let token = login["access_token"].as_str().context("a token")?;
    let mine = world.rpc(Some(token), "conversation.list", json!({"limit": 10})).await?;
    ensure!(mine["conversations"].as_array().map(Vec::len) == Some(2), "{mine}");
    // What was open waits for somebody, who can take it and answer.
    let waiting =
        world.rpc(Some(staff), "escalation.list", json!({"limit": 10, "statuses": ["pending"]})).await?;
    let request = &waiting["escalations"][0];
    ensure!(
        request["reason"] == "asked for a person"
            && request["contact_info"]["email"] == "ann@shop.example"
            && request["conversation_context"]["shift"] == "late"
            && waiting["escalations"].as_array().map(Vec::len) == Some(1),
        "{waiting}"
    );
    let whole = world.rpc(Some(staff), "escalation.get", json!({"id": request["id"]})).await?;
    ensure!(whole["interactions"][0]["intent"] == "human", "{whole}");
    let turns = world
        .rows("select intent, confidence, processing_time_ms, turn from interactions order by id")
        .await?;
    ensure!(turns[0]["processing_time_ms"] == 1250 && turns[0]["turn"] == 1, "{turns:?}");
    let workflow = world.rpc(Some(key), "workflow.get", json!({"conversation_id": ORDER})).await?;
    ensure!(
        workflow["workflow_state"]["checkpoint"]["imported"]["state"] == json!({"n": 1})
            && workflow["agent_states"].to_string().contains("\"asked\":2"),
        "{workflow}"
    );
    Ok(())
}

/// Insights, memories and documents.
async fn what_was_known(world: &World, key: &str) -> Result<()> {
    // Three rows of a source type each are one contact.
    let insight = world.rpc(Some(key), "insight.get", json!({"contact_id": "C-1"})).await?["insight"].take();
    ensure!(
        insight["eni_source_types"] == json!(["crm", "mail"])
            && insight["eni_source_subtypes"] == json!(["call", "note"])
            && insight["total_eni_ids"] == 4
            && insight["record_count"] == 6
            && insight["insights"]["personal"] == "Sails and rows."
            && insight["insights"]["business"] == "Runs a bakery."
            && insight["generated_at"] == "2023-01-01T00:00:00.000Z",
        "{insight}"
    );
    let trace = world
        .rpc(Some(key), "memory.get_trace", json!({"id": "77777777-0000-4000-8000-000000000001"}))
        .await?;
    ensure!(
        trace["trace"]["memory_items"][0]["pattern_tags"] == json!(["orders", "carrier"])
            && trace["trace"]["metadata"].to_string().contains("usage_count"),
        "{trace}"
    );
    let found = world.rpc(Some(key), "knowledge.search", json!({"query": "thirty days", "limit": 5})).await?;
    ensure!(found["chunks"][0]["source_url"] == "https://shop.example/returns", "{found}");
    Ok(())
}

async fn a_second_run_changes_nothing_and_the_source_is_never_written(world: World) -> Result<()> {
    world.start().await?;
    let older = Older::make(&world, "support", SUPPORT).await?;
    failure(&older.import(&[]).await?, 1)?;
    let before = stored(&world).await?;
    let source = older.fingerprint().await?;
    let output = older.import(&[]).await?;
    failure(&output, 1)?;
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        summary.lines().all(|line| line.contains(" 0 came over") || line.contains("not recognised")),
        "{summary}"
    );
    ensure!(
        summary.contains("messages (messages): 8 rows, 0 came over, 4 were there already, 4 failed"),
        "{summary}"
    );
    ensure!(stored(&world).await? == before, "again changes nothing");
    ensure!(older.fingerprint().await? == source, "the source stays as it is");
    let log = world.rows("select detail from audit_log where action = 'import.deployment'").await?;
    ensure!(
        log.len() == 1 && log[0]["detail"]["messages"]["new"] == 4,
        "what changed something is on record: {log:?}"
    );
    Ok(())
}

async fn a_bank_with_other_names_comes_over_too(world: World) -> Result<()> {
    world.start().await?;
    let staff = add_key(&world, "staff", "staff", "default").await?;
    let older = Older::make(&world, "bank", BANK).await?;
    let said = failure(&older.import(&[]).await?, 1)?;
    ensure!(said.contains("holds no tables"), "{said}");
    let output = older.import(&["--schema", "bank"]).await?;
    let said = failure(&output, 1)?;
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in [
        "customers (people): 2 rows, 2 came over, 0 were there already, 0 failed",
        "chat_sessions (conversations): 2 rows, 2 came over, 0 were there already, 0 failed",
        "conversation_messages (messages): 5 rows, 4 came over, 0 were there already, 1 failed",
        "escalation_requests (escalations): 3 rows, 3 came over, 0 were there already, 0 failed",
        "interaction_logs (interactions): 2 rows, 2 came over, 0 were there already, 0 failed",
        "structured_insights (insights): 1 rows, 1 came over, 0 were there already, 0 failed",
    ] {
        ensure!(summary.lines().any(|told| told == line), "{line}: {summary}\n{said}");
    }
    ensure!(said.contains("conversation_messages id=5: its conversation s-8 is not there"), "{said}");
    let log = world
        .rows(
            "select m.content, m.metadata from messages m join conversations c on c.id = m.conversation_id
               where c.metadata->>'import_id' = 's-10' order by seq",
        )
        .await?;
    let contents: Vec<_> = log.iter().filter_map(|row| row["content"].as_str()).collect();
    ensure!(
        contents == ["first", "second", "third"] && log[0]["metadata"] == json!({"sentiment": 0.5}),
        "{log:?}"
    );
    // Of two open requests of one conversation the later one waits.
    let waiting =
        world.rpc(Some(&staff), "escalation.list", json!({"limit": 10, "statuses": ["pending"]})).await?;
    ensure!(waiting["escalations"].as_array().map(Vec::len) == Some(1), "{waiting}");
    let request = &waiting["escalations"][0];
    ensure!(
        request["reason"] == "lost card"
            && request["priority"] == 2
            && request["contact_info"]
                == json!({"name": "Kim", "email": "kim@bank.example", "phone": "+49 1"})
            && request["conversation_context"]["branch"] == "North",
        "{request}"
    );
    // Who takes it goes on in the conversation, whose next turn has a number of its own.
    let turn = world.rows("select turn from workflow_states").await?;
    ensure!(turn == [json!({"turn": 2})], "{turn:?}");
    let mut console = Console::open(&world, "ada").await?;
    let taken = console.call("escalation.claim", json!({"id": request["id"]})).await?;
    ensure!(taken["escalation"]["status"] == "in_progress", "{taken}");
    let conversation = request["conversation_id"].as_str().context("an id")?;
    console.call("conversation.join", json!({"conversation_id": conversation})).await?;
    let sent = console.call("message.send", text(conversation, "I have locked it.")).await?;
    ensure!(sent["seq"].as_i64() == Some(3), "{sent}");
    // What goes on here is not touched by another run.
    let before = stored(&world).await?;
    failure(&older.import(&["--schema", "bank"]).await?, 1)?;
    ensure!(stored(&world).await? == before, "again changes nothing");
    printed(&world.command(&["doctor", "--data"]).await?)?;
    Ok(())
}

async fn a_dry_run_of_a_deployment_brings_nothing(world: World) -> Result<()> {
    world.start().await?;
    let older = Older::make(&world, "support", SUPPORT).await?;
    let before = stored(&world).await?;
    let output = older.import(&["--dry-run"]).await?;
    let said = failure(&output, 1)?;
    ensure!(
        said.contains("the role `oracle` is not known") && said.contains("would have no password"),
        "{said}"
    );
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        summary.contains("messages (messages): 8 rows, 4 could come over, 0 were there already, 4 failed"),
        "{summary}"
    );
    ensure!(
        stored(&world).await? == before
            && world.value("select count(*) from audit_log where action like 'import%'").await? == 0
    );
    Ok(())
}
