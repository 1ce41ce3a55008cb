//! Runs that are cut short, come again, or meet what they cannot read.

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use super::Older;
use crate::commands::failure;

pub(crate) const TESTS: &[Test] = tests![
    an_import_of_a_deployment_that_is_cut_short_ends_like_one_that_is_not needs LocalDatabase,
    conversations_alone_come_out_of_a_database_while_others_talk needs LocalDatabase,
    a_conversation_that_grew_is_named_and_left_as_it_is needs LocalDatabase,
    what_cannot_be_read_is_said_in_a_sentence needs LocalDatabase,
];

/// Many conversations, one of them longer than a transaction, with turns and insights.
const MANY: &str = "
    create table conversations (id serial primary key, user_id integer, status text, created_at timestamptz);
    create table messages (id serial primary key, conversation_id integer, role text, content text, created_at timestamptz);
    create table interactions (id serial primary key, conversation_id integer, user_message text, response text, created_at timestamptz);
    create table structured_insights (id serial primary key, contact_id text, eni_source_type text, personal text, record_count integer);
    insert into conversations (user_id, status, created_at)
      select n % 50, 'closed', timestamptz '2024-01-01Z' + n * interval '1 minute' from generate_series(1, 2000) n;
    insert into messages (conversation_id, role, content, created_at)
      select 1 + n % 2000, case when (n / 2000) % 2 = 0 then 'user' else 'assistant' end, 'message ' || n,
             timestamptz '2024-01-01Z' + n * interval '1 second'
      from generate_series(0, 19999) n;
    insert into messages (conversation_id, role, content, created_at)
      select 7, 'user', 'long ' || n, timestamptz '2025-01-01Z' + n * interval '1 second' from generate_series(1, 4000) n;
    insert into interactions (conversation_id, user_message, response, created_at)
      select 1 + n % 2000, 'q', 'a', timestamptz '2024-01-01Z' + n * interval '1 second' from generate_series(1, 5000) n;
    insert into structured_insights (contact_id, eni_source_type, personal, record_count)
      select 'C' || n % 700, 't' || n % 3, 'number ' || n, 1 from generate_series(1, 2000) n;";

async fn an_import_of_a_deployment_that_is_cut_short_ends_like_one_that_is_not(world: World) -> Result<()> {
    world.start().await?;
    let older = Older::make(&world, "many", MANY).await?;
    for (at, (table, more)) in
        [("interactions", 1), ("messages", 2_000), ("conversations", 1), ("insight_groups", 1)]
            .iter()
            .enumerate()
    {
        let importing = older.import(&[]);
        let killing = async {
            let count = format!("select count(*) from {table}");
            let begun = world.value(&count).await?.as_u64().context("a count")?;
            eventually("more of it", async || {
                let now = world.value(&count).await?.as_u64().context("a count")?;
                Ok((now >= begun + more).then_some(()))
            })
            .await?;
            world.kill().await
        };
        let (output, killed) = tokio::join!(importing, killing);
        killed?;
        ensure!(!output?.status.success(), "whoever was cut short says so: {at}");
        world.start().await?;
    }
    let said = printed(&older.import(&[]).await?)?;
    ensure!(said.contains("24000 rows") && said.lines().all(|line| line.contains(" 0 failed")), "{said}");
    let counts = "select (select count(*) from conversations) as conversations, (select count(*) from messages) as messages,
                  (select count(*) from interactions) as interactions, (select sum(record_count) from structured_insights) as records,
                  (select count(*) from (select conversation_id from messages group by 1
                                         having max(seq) <> count(*) or min(seq) <> 1) g) as gaps";
    let wanted =
        json!({"conversations": 2000, "messages": 24000, "interactions": 5000, "records": 2000, "gaps": 0});
    ensure!(world.rows(counts).await? == [wanted]);
    printed(&world.command(&["doctor", "--data"]).await?)?;
    // Into another database, in one go: the same.
    let ids = "select md5(string_agg(conversation_id || ' ' || seq || ' ' || id || ' ' || content, ',' order by conversation_id, seq))
               as sum from messages";
    let ours = world.rows(ids).await?;
    let again = printed(&older.import(&[]).await?)?;
    ensure!(again.lines().all(|line| line.contains(" 0 came over")), "{again}");
    ensure!(world.rows(ids).await? == ours);
    let long = "select string_agg(content, ',' order by seq) like 'message 6,message 2006,%' as begins, count(*) as messages
                from messages where conversation_id = (select id from conversations where metadata->>'import_id' = '7')";
    ensure!(world.rows(long).await? == [json!({"begins": true, "messages": 4010})]);
    Ok(())
}

async fn conversations_alone_come_out_of_a_database_while_others_talk(world: World) -> Result<()> {
    world.without_limits().start().await?;
    let older = Older::make(&world, "many", MANY).await?;
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    let importing = older.command("conversations", &[]);
    let mut importing = std::pin::pin!(importing);
    let mut meanwhile = 0;
    let output = loop {
        tokio::select! {
            biased;
            done = &mut importing => break done?,
            sent = visitor.send("meanwhile") => { sent?; meanwhile += 1; }
        }
    };
    let said = printed(&output)?;
    ensure!(said.contains("messages (messages): 24000 rows, 24000 came over"), "{said}");
    ensure!(said.lines().count() == 2, "only conversations and messages: {said}");
    ensure!(meanwhile >= 5, "only {meanwhile} messages got through");
    ensure!(world.value("select count(*) from conversations").await? == 2_001);
    let own = format!("select count(*) from messages where conversation_id = '{}'", visitor.conversation);
    // The last one may have been on its way when the import ended.
    let own = world.value(&own).await?.as_i64().context("a count")?;
    ensure!(matches!(own - meanwhile, 1 | 2), "{own} of {meanwhile} messages and one before are there");
    printed(&world.command(&["doctor", "--data"]).await?)?;
    Ok(())
}

async fn a_conversation_that_grew_is_named_and_left_as_it_is(world: World) -> Result<()> {
    world.start().await?;
    let older = Older::make(
        &world,
        "small",
        "create table conversations (id serial primary key, created_at timestamptz);
         create table messages (id serial primary key, conversation_id integer, role text, content text, created_at timestamptz);
         create table interactions (id serial primary key, conversation_id integer, user_message text, response text);
         insert into conversations values (1, '2024-01-01'), (2, '2024-01-01');
         insert into interactions (conversation_id, user_message, response) values (1, 'q', 'a');
         insert into messages (conversation_id, role, content, created_at) values (1, 'user', 'one', '2024-01-01'), (2, 'user', 'x', '2024-01-01');",
    )
    .await?;
    printed(&older.import(&[]).await?)?;
    older
        .execute(
            "insert into messages (conversation_id, role, content, created_at) values (1, 'user', 'two', '2024-01-02');
             insert into interactions (conversation_id, user_message, response) values (1, 'q', 'a');",
        )
        .await?;
    let said = failure(&older.import(&[]).await?, 1)?;
    ensure!(said.contains("conversations id=1: it has 2 messages now and had 1 when it came over"), "{said}");
    ensure!(said.contains("interactions id=2: ") && said.contains("left as it is"), "{said}");
    ensure!(world.value("select count(*) from messages").await? == 2);
    // Without a table of conversations, the keys that messages name are the conversations.
    let bare = Older::make(
        &world,
        "bare",
        "create table chat_history (session_id text, role text, content text, created_at timestamptz);
         insert into chat_history values ('a', 'human', 'hello', '2024-01-01'), ('a', 'ai', 'hi', '2024-01-02'), ('b', 'human', 'x', '2024-01-01');",
    )
    .await?;
    let said = printed(&bare.command("conversations", &[]).await?)?;
    ensure!(
        said.contains("conversations that only messages name (conversations): 2 rows, 2 came over"),
        "{said}"
    );
    ensure!(said.contains("chat_history (messages): 3 rows, 3 came over"), "{said}");
    // Beside it, a table of the same keys is that of another source.
    let said = printed(&bare.command("conversations", &["--source", "another"]).await?)?;
    ensure!(said.contains("3 rows, 3 came over"), "{said}");
    Ok(())
}

async fn what_cannot_be_read_is_said_in_a_sentence(world: World) -> Result<()> {
    world.start().await?;
    let older = Older::make(&world, "empty", "create table notes (id serial primary key)").await?;
    let said = failure(&older.import(&[]).await?, 1)?;
    ensure!(said.contains("none of the tables of the database empty is one that is known"), "{said}");
    let nowhere = "postgres://u:hush@127.0.0.1:1/older?connect_timeout=1";
    let said = failure(&world.command(&["import", "deployment", nowhere]).await?, 1)?;
    ensure!(said.contains("no database answers") && !said.contains("hush"), "{said}");
    let own = Older { world: world.clone(), name: "postgres" };
    let said = failure(&own.import(&[]).await?, 1)?;
    ensure!(said.contains("is one of Switchboard itself"), "{said}");
    let said = failure(&older.import(&["--workspace", "nowhere"]).await?, 1)?;
    ensure!(said.contains("nowhere"), "{said}");
    // A policy that would hide rows is an error, not rows that are missed.
    older
        .execute(
            "create table users (id serial primary key, email text); insert into users values (1, 'a@b.example');
             create role reader login; grant select on users to reader; alter table users enable row level security;
             create table messages (id serial primary key, conversation_id text, role text, content text);",
        )
        .await?;
    let address = older.address().replace("user=switchboard", "user=reader");
    let said = failure(&world.command(&["import", "deployment", &address]).await?, 1)?;
    ensure!(said.contains("row-level security policy"), "{said}");
    older.execute("alter table users disable row level security").await?;
    let output = world.command(&["import", "deployment", &address]).await?;
    failure(&output, 1).ok();
    let summary = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(summary.contains("messages: left out, since its rows may not be read by this user"), "{summary}");
    ensure!(
        output.status.code() == Some(1) && summary.contains("users (people): 1 rows, 1 came over"),
        "{summary}"
    );
    Ok(())
}
