//! What is stored about one person: exported whole, erased for good, both on record without a word about them.

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::commands::failure;

pub(crate) const TESTS: &[Test] = tests![
    what_is_stored_about_a_visitor_is_exported,
    a_visitor_is_erased_and_their_escalations_stay_without_them,
    a_person_who_is_not_unambiguous_is_named_by_id,
    people_are_erased_where_no_server_runs_too,
];

/// A visitor with something in every table: a turn, a rating, feedback, an escalation.
async fn ada(world: &World) -> Result<Visitor> {
    let user = json!({"email": "ada@example.org", "name": "Ada Lovelace"});
    let mut visitor = Visitor::open(world.address(), json!({"user": user})).await?;
    visitor.send("I want to talk to a human about engines").await?;
    let answer = visitor.next_message().await?;
    let conversation = visitor.conversation.clone();
    let socket = visitor.socket()?;
    let feedback = json!({"message_id": answer["id"], "helpful": false, "comment": "too slow"});
    socket.call("message.feedback", feedback).await?;
    socket.call("conversation.rate", json!({"conversation_id": conversation, "score": 2})).await?;
    let asked = json!({"conversation_id": conversation, "reason": "my engine is broken"});
    socket.call("escalation.request", asked).await?;
    Ok(visitor)
}

async fn start(world: &World) -> Result<()> {
    world.with_preset("bank");
    world.start().await
}

async fn what_is_stored_about_a_visitor_is_exported(world: World) -> Result<()> {
    start(&world).await?;
    let visitor = ada(&world).await?;
    let mut other = world.visitor().await?;
    other.send("somebody else").await?;
    let exported = printed(&world.command(&["person", "export", "ADA@example.org"]).await?)?;
    let lines: Vec<Value> = exported.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let of = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    ensure!(of("visitor")[0]["email"] == "ada@example.org" && of("visitor").len() == 1, "{exported}");
    ensure!(
        of("conversation").len() == 1 && of("conversation")[0]["id"] == visitor.conversation,
        "{exported}"
    );
    let messages = of("message");
    ensure!(messages.len() == 2 && messages[0]["content"] == "I want to talk to a human about engines");
    ensure!(messages[1]["comment"] == "too slow" && messages[1]["helpful"] == false, "{exported}");
    ensure!(of("escalation")[0]["contact_info"]["email"] == "ada@example.org", "{exported}");
    ensure!(of("interaction")[0]["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{exported}");
    ensure!(of("workflow_state").len() == 1 && of("agent_state").len() == 1, "{exported}");
    ensure!(!exported.contains("somebody else") && !exported.contains(&visitor.resume_secret));
    let audit = world.rows("select subject, detail from audit_log where action = 'person.export'").await?;
    ensure!(audit.len() == 1 && audit[0]["detail"]["lines"] == lines.len(), "{audit:?}");
    failure(&world.command(&["person", "export", "nobody@example.org"]).await?, 1)?;
    failure(&world.command(&["person", "export", "ada@example.org", "--workspace", "nowhere"]).await?, 1)?;
    Ok(())
}

async fn a_visitor_is_erased_and_their_escalations_stay_without_them(world: World) -> Result<()> {
    start(&world).await?;
    let mut visitor = ada(&world).await?;
    let mut other = world.visitor().await?;
    other.send("somebody else").await?;
    other.next_message().await?;
    let output = world.command(&["person", "erase", "ada@example.org"]).await?;
    printed(&output)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(said.contains("1 conversations with 2 messages"), "{said}");
    ensure!(visitor.socket()?.expect_close().await?.code == 4003, "their sockets are sent away");
    nothing_is_left(&world, &visitor.conversation).await?;
    let escalations = world
        .rows(
            "select status, trigger_type, reason, contact_info, original_request, summary, conversation_context \
             from escalations",
        )
        .await?;
    ensure!(
        escalations
            == [
                json!({"status": "pending", "trigger_type": "user_request", "reason": null, "contact_info": null,
                "original_request": null, "summary": null, "conversation_context": null})
            ],
        "{escalations:?}"
    );
    let audit = world.rows("select action, subject, detail from audit_log").await?;
    let text = serde_json::to_string(&audit)?;
    ensure!(text.contains("person.erase") && !text.contains("ada@"), "{text}");
    // The sums keep what they counted, and somebody else their words.
    let count =
        "select sum(interactions)::bigint from interaction_rollups where mode = '*' and grain = 'day'";
    eventually("both turns to be counted", async || Ok((world.value(count).await? == 2).then_some(())))
        .await?;
    ensure!(world.stored_messages(&other.conversation).await?.len() == 2);
    other.send("and I go on").await?;
    // Whoever comes back with what they had is new here.
    let again = json!({"resume": visitor.resume_secret});
    let opened = world.socket().await?.call("session.open", again).await?;
    ensure!(opened["conversation"]["conversation_id"] != visitor.conversation, "{opened}");
    ensure!(opened["messages"] == json!([]) && opened["conversation"]["version"] == 0, "{opened}");
    failure(&world.command(&["person", "erase", "ada@example.org"]).await?, 1)?;
    Ok(())
}

/// Not a word of theirs, in any table.
async fn nothing_is_left(world: &World, conversation: &str) -> Result<()> {
    for table in ["messages", "message_feedback", "turn_steps", "agent_states", "workflow_states"] {
        let sql = format!("select count(*) from {table} where conversation_id = '{conversation}'");
        ensure!(world.value(&sql).await? == 0, "{table}");
    }
    ensure!(
        world.value(&format!("select count(*) from conversations where id = '{conversation}'")).await? == 0
    );
    ensure!(world.value("select count(*) from users where email = 'ada@example.org'").await? == 0);
    let tables = world
        .rows(
            "select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where n.nspname = 'public' and c.relkind = 'r' and c.relname not like 'knowledge%'",
        )
        .await?;
    for table in tables.iter().filter_map(|table| table["name"].as_str()) {
        for word in ["engine", "ada@example.org", "lovelace", "too slow"] {
            let sql = format!(
                "select count(*) from {table} t where position('{word}' in lower(row_to_json(t)::text)) > 0"
            );
            ensure!(world.value(&sql).await? == 0, "{word} is in {table}");
        }
    }
    Ok(())
}

async fn a_person_who_is_not_unambiguous_is_named_by_id(world: World) -> Result<()> {
    world.start().await?;
    for _ in 0..2 {
        let params = json!({"user": {"email": "ada@example.org"}});
        Visitor::open(world.address(), params).await?.send("hello").await?;
    }
    let said = failure(&world.command(&["person", "erase", "ada@example.org"]).await?, 1)?;
    ensure!(said.contains("2 visitors"), "{said}");
    let id = said.split_whitespace().find(|word| Uuid::parse_str(word).is_ok()).context("an id")?;
    ensure!(world.value("select count(*) from messages").await? == 2, "nothing was erased");
    printed(&world.command(&["person", "erase", id]).await?)?;
    ensure!(world.value("select count(*) from messages").await? == 1);
    Ok(())
}

async fn people_are_erased_where_no_server_runs_too(world: World) -> Result<()> {
    start(&world).await?;
    let conversation = ada(&world).await?.conversation;
    world.stop().await?;
    printed(&world.command(&["person", "export", "ada@example.org"]).await?)?;
    printed(&world.command(&["person", "erase", "ada@example.org"]).await?)?;
    world.start().await?;
    nothing_is_left(&world, &conversation).await
}
