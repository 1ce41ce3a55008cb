//! Workspaces are kept apart: by the server, and a second time by the database.

use switchboard_tests::prelude::*;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

use crate::auth::{add_user, log_in};
use crate::commands::{add_key, add_workspace};
use crate::wire_faults::methods;

pub(crate) const TESTS: &[Test] = tests![
    another_workspaces_conversation_is_not_found_by_anybody,
    without_a_workspace_the_database_shows_no_row needs LocalDatabase,
    with_another_workspace_the_database_shows_and_takes_no_row needs LocalDatabase,
    a_search_lets_out_only_workspaces_of_the_transaction needs LocalDatabase,
    every_table_of_a_workspace_is_guarded needs LocalDatabase,
];

/// A connection of one's own to the server's cluster, as the superuser who made it.
pub(crate) async fn connect(world: &World) -> Result<Client> {
    let (client, connection) = tokio_postgres::Config::new()
        .host_path(world.data().join("postgres-local/socket"))
        .user("switchboard")
        .dbname("postgres")
        .connect(NoTls)
        .await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn another_workspaces_conversation_is_not_found_by_anybody(world: World) -> Result<()> {
    world.start().await?;
    add_workspace(&world, "shop", &[]).await?;
    let key = add_key(&world, "till", "service", "shop").await?;
    let staff = add_key(&world, "console", "staff", "shop").await?;
    let mut here = world.visitor().await?;
    let message = here.send("hello").await?.id;
    let there = Visitor::open(world.address(), json!({"workspace": "shop"})).await?;
    for (method, params) in methods(&here.conversation, &message) {
        let mut params = params;
        params["workspace"] = json!("default");
        let mut socket = world.socket().await?;
        socket.call("session.open", json!({"token": there.token})).await?;
        let refusal = socket.call_refused(method, params).await?;
        ensure!(refusal.kind == "not_found", "{method}: {refusal}");
    }
    for credential in [&there.token, &key, &staff] {
        let params = json!({"conversation_id": here.conversation, "workspace": "default"});
        let refusal = crate::http::refused(&world, Some(credential), "message.list", params.clone()).await?;
        ensure!(refusal.kind == "not_found", "{refusal}");
        let mut params = params;
        params["token"] = json!(credential);
        let refusal = world.socket().await?.call_refused("session.open", params).await?;
        ensure!(refusal.kind == "not_found", "{refusal}");
    }
    crate::wire_faults::is_unharmed(&world, 1).await
}

/// A desk with rows in every table that a visitor fills, in two workspaces; gives the ids of the two.
async fn two_workspaces(world: &World) -> Result<(String, String)> {
    world.start().await?;
    add_workspace(world, "shop", &[]).await?;
    for workspace in ["default", "shop"] {
        let mut visitor = Visitor::open(world.address(), json!({"workspace": workspace})).await?;
        let message = visitor.send("hello").await?.id;
        let id = visitor.conversation.clone();
        let socket = visitor.socket()?;
        socket.call("message.feedback", json!({"message_id": message, "helpful": true})).await?;
        socket.call("escalation.request", json!({"conversation_id": id})).await?;
    }
    for workspace in ["default", "shop"] {
        let email = format!("ann@{workspace}.example");
        add_user(world, &email, "staff", workspace).await?;
        let key = add_key(world, &format!("crm-{workspace}"), "service", workspace).await?;
        let insight = json!({"contact_id": "ann", "insights": {"personal": "x"}});
        let group = json!({"insight": insight, "group_key": "1"});
        world.rpc(Some(&key), "insight.upsert", group).await?;
        // A search indexes what waits.
        world.rpc(Some(&key), "insight.search", json!({"query": "x"})).await?;
        log_in(world, &email, Some(workspace)).await?;
    }
    let id = async |slug: &str| -> Result<String> {
        let id = world.value(&format!("select id from workspaces where slug = '{slug}'")).await?;
        Ok(id.as_str().context("an id")?.to_owned())
    };
    Ok((id("default").await?, id("shop").await?))
}

/// The tables whose rows belong to a workspace, as the catalogue has them.
async fn tables(client: &Client) -> Result<Vec<String>> {
    let sql = "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace \
               where n.nspname = 'public' and c.relkind in ('r', 'p') and (c.relname = 'workspaces' or exists \
               (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id')) order by 1";
    let tables: Vec<String> = client.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect();
    ensure!(tables.len() >= 8, "{tables:?}");
    Ok(tables)
}

/// The rows that the server's role sees; nothing where it may not look at all.
async fn visible(client: &Client, table: &str, workspaces: Option<&str>) -> Result<Option<i64>> {
    client.batch_execute("begin; set local role switchboard_app").await?;
    if let Some(workspaces) = workspaces {
        client.batch_execute(&format!("set local switchboard.workspaces = '{workspaces}'")).await?;
    }
    let counted = client.query_one(&format!("select count(*) from {table}"), &[]).await;
    client.batch_execute("rollback").await?;
    match counted {
        Ok(row) => Ok(Some(row.get(0))),
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The tables that the two workspaces have filled.
const FILLED: [&str; 10] = [
    "conversations",
    "escalations",
    "insight_counts",
    "insight_groups",
    "insight_words",
    "message_feedback",
    "messages",
    "structured_insights",
    "users",
    "workspaces",
];

async fn without_a_workspace_the_database_shows_no_row(world: World) -> Result<()> {
    let (own, other) = two_workspaces(&world).await?;
    let client = connect(&world).await?;
    let superuser: bool =
        client.query_one("select rolsuper from pg_roles where rolname = current_user", &[]).await?.get(0);
    ensure!(superuser, "the role is what holds, also for a superuser's connection");
    for table in tables(&client).await? {
        for workspaces in [None, Some("")] {
            let seen = visible(&client, &table, workspaces).await?;
            ensure!(seen.unwrap_or(0) == 0, "{seen:?} of {table} with {workspaces:?}");
        }
        let (Some(own), Some(other), Some(both)) = (
            visible(&client, &table, Some(&own)).await?,
            visible(&client, &table, Some(&other)).await?,
            visible(&client, &table, Some(&format!("{own},{other}"))).await?,
        ) else {
            ensure!(!FILLED.contains(&table.as_str()), "{table} cannot be read at all");
            continue;
        };
        ensure!(own + other == both, "{table}: {own} and {other} are not {both}");
        ensure!(own == 1 && other == 1 || !FILLED.contains(&table.as_str()), "{table}: {own} and {other}");
    }
    for nonsense in ["x", "00000000-0000-0000-0000-000000000000,"] {
        let shown = visible(&client, "messages", Some(nonsense)).await;
        ensure!(shown.is_err() || shown.is_ok_and(|seen| seen == Some(0)), "{nonsense}");
        client.batch_execute("rollback").await?;
    }
    Ok(())
}

async fn with_another_workspace_the_database_shows_and_takes_no_row(world: World) -> Result<()> {
    let (own, other) = two_workspaces(&world).await?;
    let client = connect(&world).await?;
    let begin =
        format!("begin; set local role switchboard_app; set local switchboard.workspaces = '{other}'");
    let nowhere = "019a0000-0000-7000-8000-000000000000";
    for insert in [
        format!("insert into users (id, workspace_id) values ('{nowhere}', '{own}')"),
        format!(
            "insert into user_roles (workspace_id, user_id, role) select '{own}', id, 'admin' from users limit 1"
        ),
        format!(
            "insert into messages (conversation_id, seq, id, workspace_id, role, content, created_at) \
             values ('{nowhere}', 1, '{nowhere}', '{own}', 'user', 'x', now())"
        ),
        format!(
            "insert into message_feedback (conversation_id, message_id, workspace_id, helpful) \
             values ('{nowhere}', '{nowhere}', '{own}', true)"
        ),
        format!(
            "insert into escalations (workspace_id, id, version, conversation_id, trigger_type, status, created_at, \
             updated_at) values ('{own}', '{nowhere}', 1, '{nowhere}', 'user_request', 'pending', now(), now())"
        ),
        format!(
            "insert into insight_words (workspace_id, contact_id, updated_at, version, words) \
             values ('{own}', 'bob', now(), 1, '{{}}')"
        ),
        format!(
            "insert into insight_groups (workspace_id, contact_id, group_key, taken_at) values ('{own}', 'ann', '2', now())"
        ),
        // Its own rows cannot be moved there either.
        format!("update structured_insights set workspace_id = '{own}'"),
        format!("update messages set workspace_id = '{own}'"),
        format!("update conversations set workspace_id = '{own}'"),
        format!("update users set workspace_id = '{own}'"),
    ] {
        client.batch_execute(&begin).await?;
        let refused =
            client.batch_execute(&insert).await.err().with_context(|| format!("taken: {insert}"))?;
        ensure!(refused.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{insert}: {refused}");
        client.batch_execute("rollback").await?;
    }
    for table in [
        "users",
        "conversations",
        "messages",
        "message_feedback",
        "escalations",
        "structured_insights",
        "insight_groups",
        "insight_words",
        "insight_counts",
    ] {
        for change in [
            format!("update {table} set workspace_id = workspace_id where workspace_id = '{own}'"),
            format!("delete from {table} where workspace_id = '{own}'"),
        ] {
            client.batch_execute(&begin).await?;
            ensure!(client.execute(&change, &[]).await? == 0, "{change}");
            client.batch_execute("rollback").await?;
        }
    }
    client.batch_execute(&begin).await?;
    for hidden in ["select identity_secret from workspaces", "select count(*) from messages"] {
        let rows = client
            .query(
                &format!(
                    "{hidden} where {} = '{own}'",
                    if hidden.contains("messages") { "workspace_id" } else { "id" }
                ),
                &[],
            )
            .await?;
        ensure!(rows.is_empty() || rows[0].get::<_, i64>(0) == 0, "{hidden}");
    }
    client.batch_execute("rollback").await?;
    // Passwords, keys and log-ins are for the role that finds out who somebody is, whatever workspace is named.
    for secret in ["api_keys", "logins", "refresh_tokens"] {
        let seen = visible(&client, secret, Some(&format!("{own},{other}"))).await?;
        ensure!(seen.is_none(), "{seen:?} of {secret}");
        client.batch_execute(&begin).await?;
        let taken = client.batch_execute(&format!("delete from {secret}")).await;
        ensure!(
            taken.is_err_and(|error| error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE)),
            "{secret}"
        );
        client.batch_execute("rollback").await?;
    }
    for grab in [
        "select password_hash from users where password_hash is not null",
        "update users set password_hash = 'mine' where workspace_id is null",
    ] {
        client
            .batch_execute(&format!(
                "begin; set local role switchboard_app; set local switchboard.workspaces = '{own},{other}'"
            ))
            .await?;
        ensure!(client.execute(grab, &[]).await? == 0, "{grab}");
        client.batch_execute("rollback").await?;
    }
    Ok(())
}

/// The function that looks insights up past row-level security.
async fn a_search_lets_out_only_workspaces_of_the_transaction(world: World) -> Result<()> {
    let (own, other) = two_workspaces(&world).await?;
    let client = connect(&world).await?;
    let words = "select array_agg(word)::text from insight_words, unnest(words) word";
    let words: String = client.query_one(words, &[]).await?.get(0);
    for (workspaces, seen) in [(other.clone(), 0), (format!("{own},{other}"), 1), (String::new(), 0)] {
        client
            .batch_execute(&format!(
                "begin; set local role switchboard_app; set local switchboard.workspaces = '{workspaces}'"
            ))
            .await?;
        let found = format!(
            "select from switchboard_find_insights('{own}', '{words}', 1, null, 100, null, null, null, 100)"
        );
        ensure!(client.query(&found, &[]).await?.len() == seen, "{workspaces}");
        client.batch_execute("rollback").await?;
    }
    Ok(())
}

async fn every_table_of_a_workspace_is_guarded(world: World) -> Result<()> {
    world.start().await?;
    let client = connect(&world).await?;
    // The few that are of no workspace are guarded too, though not from their owner.
    let open = "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                where n.nspname = 'public' and c.relkind in ('r', 'p') and not relrowsecurity";
    let open: Vec<String> = client.query(open, &[]).await?.iter().map(|row| row.get(0)).collect();
    ensure!(open.is_empty(), "{open:?} are under no security at all");
    for table in tables(&client).await? {
        let sql = "select relrowsecurity and relforcerowsecurity from pg_class where relname = $1";
        ensure!(
            client.query_one(sql, &[&table]).await?.get::<_, bool>(0),
            "{table} is not under forced security"
        );
    }
    let roles = "select rolname, rolsuper or rolbypassrls or rolcanlogin as loose from pg_roles \
                 where rolname in ('switchboard_app', 'switchboard_lookup') order by 1";
    let roles: Vec<(String, bool)> =
        client.query(roles, &[]).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
    ensure!(roles == [("switchboard_app".into(), false), ("switchboard_lookup".into(), false)], "{roles:?}");
    // What is said is not for the role that only finds out who somebody is.
    for table in ["messages", "conversations", "escalations", "message_feedback"] {
        client.batch_execute("begin; set local role switchboard_lookup").await?;
        let read = client.query(&format!("select 1 from {table}"), &[]).await;
        ensure!(read.is_err() || read.is_ok_and(|rows| rows.is_empty()), "{table}");
        client.batch_execute("rollback").await?;
    }
    Ok(())
}
