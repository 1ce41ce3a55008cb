//! The way to disk, seen from outside: what the database refuses fails alone, with neighbours unharmed; what was
//! said before is not said again.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use switchboard_tests::prelude::*;

use crate::outage::{taken_at_last, unavailable};

pub(crate) const TESTS: &[Test] = tests![
    a_poison_row_fails_alone,
    a_first_word_that_is_refused_leaves_nothing_behind,
    a_read_only_database_acknowledges_nothing needs LocalDatabase,
    a_lane_is_up_again_once_its_only_write_is_found_stored needs LocalDatabase,
    an_old_client_id_is_answered_from_the_log,
];

/// The lines that a refused row leaves in the log.
const REFUSED: [&str; 2] = ["a write was refused by the database", "a request failed"];

async fn a_poison_row_fails_alone(world: World) -> Result<()> {
    const PEOPLE: usize = 6;
    const SAID: usize = 20;
    world.without_limits();
    for line in REFUSED {
        world.allow_warning(line);
    }
    world.start().await?;
    poison(&world).await?;
    let mut people = try_join_all((0..PEOPLE).map(|_| world.visitor())).await?;
    // Everyone sends all at once, so that the writer takes many of them together; every other one says a bad word.
    let told = try_join_all(people.iter_mut().enumerate().map(|(at, visitor)| async move {
        let conversation = visitor.conversation.clone();
        let bad = (at % 2 == 0).then_some((at * 3 + 2) % SAID);
        let socket = visitor.socket()?;
        let mut requests = Vec::new();
        for number in 0..SAID {
            let content = if bad == Some(number) { "poison".to_owned() } else { format!("number {number}") };
            let params =
                json!({"conversation_id": conversation, "client_id": Uuid::new_v4(), "content": content});
            requests.push(socket.request("message.send", params).await?);
        }
        let mut seq = 0;
        for (number, request) in requests.into_iter().enumerate() {
            match socket.answer(request).await? {
                Ok(result) => {
                    seq += 1;
                    ensure!(bad != Some(number), "poison was stored: {result}");
                    ensure!(result["seq"] == seq, "dense, whatever was refused: {result}");
                }
                Err(error) => {
                    ensure!(bad == Some(number), "number {number} failed with its neighbour: {error}");
                    says_nothing_of_the_inside(&error)?;
                }
            }
        }
        Ok((bad, conversation))
    }))
    .await?;
    for (bad, conversation) in told {
        let stored = world.stored_messages(&conversation).await?;
        let due = (0..SAID).filter(|number| bad != Some(*number)).map(|number| format!("number {number}"));
        ensure!(stored.iter().map(|message| message["content"].clone()).eq(due), "in the order sent");
    }
    // The one that was refused was never there: its client_id is free, and so is its number.
    let client_id = Uuid::new_v4();
    let visitor = &mut people[0];
    let conversation = visitor.conversation.clone();
    let params =
        |content: &str| json!({"conversation_id": conversation, "client_id": client_id, "content": content});
    visitor.socket()?.call_refused("message.send", params("poison")).await?;
    let result = visitor.socket()?.call("message.send", params("remedy")).await?;
    ensure!(result["seq"] == SAID && result["duplicate"] == false, "{result}");
    Ok(())
}

async fn a_first_word_that_is_refused_leaves_nothing_behind(world: World) -> Result<()> {
    for line in REFUSED {
        world.allow_warning(line);
    }
    world.start().await?;
    poison(&world).await?;
    let mut visitor = world.visitor().await?;
    let conversation = visitor.conversation.clone();
    let params = json!({"conversation_id": conversation, "client_id": Uuid::new_v4(), "content": "poison"});
    says_nothing_of_the_inside(&visitor.socket()?.call_refused("message.send", params).await?)?;
    ensure!(world.value("select count(*) from conversations").await? == 0, "no conversation without a word");
    ensure!(world.value("select count(*) from users where workspace_id is not null").await? == 0);
    ensure!(visitor.send("remedy").await?.seq == 1);
    let tab = visitor.tab().await?;
    ensure!(tab.said() == ["remedy"]);
    Ok(())
}

async fn a_read_only_database_acknowledges_nothing(world: World) -> Result<()> {
    world.without_limits().allow_warning("the database is away; writes wait");
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    let mut tab = visitor.tab().await?;
    read_only(&world, true).await?;
    unavailable(visitor.send("meanwhile").await)?;
    // What can be read can be read: another tab opens, and has all that was acknowledged.
    ensure!(visitor.tab().await?.said() == ["before"]);
    read_only(&world, false).await?;
    let acknowledged = taken_at_last(&mut visitor).await?;
    ensure!(acknowledged.seq == 2, "once: {acknowledged:?}");
    tab.read_to(2).await?;
    ensure!(world.stored_messages(&visitor.conversation).await?.len() == 2);
    Ok(())
}

/// The session remembers the latest 64 client ids; older ones it hears of from the database, in the middle of a
/// write that carries others too.
async fn an_old_client_id_is_answered_from_the_log(world: World) -> Result<()> {
    world.without_limits();
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let old = Uuid::new_v4();
    let first = visitor.send_as(old, "the first").await?;
    for number in 2..=101 {
        visitor.send(&format!("number {number}")).await?;
    }
    repeats_in_a_crowd(&mut visitor, old, &first.id, 101).await?;
    // The same when the session has just woken, and in a server that has never heard of it.
    visitor.lose();
    world.restart().await?;
    ensure!(visitor.resume().await?);
    repeats_in_a_crowd(&mut visitor, old, &first.id, 103).await?;
    let stored = world.stored_messages(&visitor.conversation).await?;
    ensure!(stored.len() == 105, "{} are stored", stored.len());
    let ids: BTreeSet<_> = stored.iter().map(|message| message["client_id"].to_string()).collect();
    ensure!(ids.len() == 105, "each client_id once");
    Ok(())
}

/// Sends the old client id between two new ones, the same content and then another, without waiting between.
async fn repeats_in_a_crowd(visitor: &mut Visitor, old: Uuid, first: &str, head: u64) -> Result<()> {
    let conversation = visitor.conversation.clone();
    let socket = visitor.socket()?;
    let mut requests = Vec::new();
    for (client_id, content) in
        [(Uuid::new_v4(), "new"), (old, "the first"), (old, "another"), (Uuid::new_v4(), "newer")]
    {
        let params = json!({"conversation_id": conversation, "client_id": client_id, "content": content});
        requests.push(socket.request("message.send", params).await?);
    }
    let mut answers = Vec::new();
    for request in requests {
        answers.push(socket.answer(request).await?);
    }
    let [Ok(new), Ok(repeat), Err(conflict), Ok(newer)] = &answers[..] else { bail!("{answers:?}") };
    ensure!(new["seq"] == head + 1 && new["duplicate"] == false, "{new}");
    ensure!(repeat["duplicate"] == true && repeat["seq"] == 1 && repeat["id"] == first, "{repeat}");
    ensure!(conflict.kind == "conflict" && conflict.data["current"]["seq"] == 1, "what stands: {conflict}");
    ensure!(newer["seq"] == head + 2 && newer["duplicate"] == false, "no gap: {newer}");
    // Its own answers are all that it was told.
    ensure!(!socket.waiting_notifications().any(|note| note["method"] == "message.created"));
    visitor.lose();
    ensure!(visitor.resume().await?);
    Ok(())
}

/// From now on the database refuses this one word.
/// Nothing else is on the way, so the repeat alone can show that the database is back.
async fn a_lane_is_up_again_once_its_only_write_is_found_stored(world: World) -> Result<()> {
    const COMMITTED: &str = "from pg_stat_activity where wait_event = 'SyncRep'";
    world.allow_warning("the database is away; writes wait");
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("before").await?;
    // A commit waits for a standby that never comes, and its connection is ended while it does: it is on disk, and
    // the server cannot know.
    set(&world, "synchronous_standby_names", "nobody").await?;
    let end_connection = async {
        eventually("the commit to be on disk", async || {
            let ended = world.rows(&format!("select pg_terminate_backend(pid) {COMMITTED}")).await?;
            Ok((!ended.is_empty()).then_some(()))
        })
        .await
    };
    let (sent, ended) = tokio::join!(visitor.send("meanwhile"), end_connection);
    ended?;
    ensure!(sent?.seq == 2, "the repeat finds what was stored");
    set(&world, "synchronous_standby_names", "").await?;
    ensure!(visitor.send("after").await?.seq == 3);
    ensure!(world.stored_messages(&visitor.conversation).await?.len() == 3);
    Ok(())
}

async fn poison(world: &World) -> Result<()> {
    world.execute("alter table messages add constraint no_poison check (content <> 'poison')").await
}

async fn read_only(world: &World, is: bool) -> Result<()> {
    set(world, "default_transaction_read_only", if is { "on" } else { "off" }).await
}

/// Changes a setting of the whole cluster.
async fn set(world: &World, name: &str, value: &str) -> Result<()> {
    world.execute(&format!("alter system set {name} = '{value}'")).await?;
    world.value("select pg_reload_conf()").await?;
    // Told to those who were there before it holds for those who come.
    eventually("the setting to hold", async || {
        let now = world.value(&format!("select current_setting('{name}')")).await?;
        Ok((now == value).then_some(()))
    })
    .await
}

fn says_nothing_of_the_inside(error: &RpcError) -> Result<()> {
    ensure!(error.code == -32603 && error.kind == "internal", "{error}");
    ensure!(error.data["trace_id"].as_str().is_some_and(|id| !id.is_empty()), "where to look: {error}");
    let fields = error.data.as_object().map_or(0, serde_json::Map::len);
    ensure!(fields == 2, "nothing beside kind and trace_id: {error}");
    let said = error.to_string().to_lowercase();
    for inside in ["poison", "constraint", "23514", "messages", "sql", "postgres", "relation"] {
        ensure!(!said.contains(inside), "`{inside}` is of the inside: {error}");
    }
    Ok(())
}
