//! The server dies at every recorded place of a turn, and what the visitor and the database end with is the same as
//! if it never had: the same messages, one reply a turn, one escalation, one entry of the outbox, each step once.

use std::fmt::Write as _;

use switchboard_tests::prelude::*;

pub(crate) const TESTS: &[Test] = tests![
    dying_around_a_write_changes_nothing,
    dying_within_a_turn_changes_nothing,
    dying_at_the_end_of_a_turn_changes_nothing,
];

/// A small desk of its own: no hours, so that no answer depends on when the test runs.
const DESK: &str = r#"
title = "Test desk"
rules = "Answer from the passages."
[[agents]]
name = "navigator"
prompt = "Explain."
[[intents]]
name = "opening"
category = "automatable"
description = "When the shop is open."
examples = ["when are you open", "opening hours please", "what time do you close", "are you open on sunday"]
reply = "We are open from nine to five."
[[intents]]
name = "complaint"
category = "sensitive"
description = "Somebody is unhappy."
examples = ["I want to complain", "this is a scandal", "I am very unhappy with you", "terrible service I complain"]
reply = "I am sorry to hear that."
[[intents]]
name = "person"
kind = "human_request"
description = "Somebody asks for a person."
examples = ["I want a person", "let me talk to a human", "get me an agent", "can I speak to somebody"]
"#;

/// An answer, a hand-over that asks for contact details, and the details.
const SCRIPT: [&str; 3] = ["when are you open", "I want to complain", "Ada Lovelace, ada@example.org"];

async fn dying_around_a_write_changes_nothing(world: World) -> Result<()> {
    matrix(&world, &["write.before", "write.after"]).await
}

async fn dying_within_a_turn_changes_nothing(world: World) -> Result<()> {
    matrix(&world, &["turn.begun", "turn.classified", "turn.retrieved", "turn.streamed"]).await
}

async fn dying_at_the_end_of_a_turn_changes_nothing(world: World) -> Result<()> {
    matrix(&world, &["turn.before_commit", "turn.committed"]).await
}

/// Dies at each of these places, each time that the script passes it.
async fn matrix(world: &World, places: &[&str]) -> Result<()> {
    world.with_desk(DESK)?;
    world.allow_warning("the Postgres of a server that was killed still runs");
    world.start().await?;
    let (undisturbed, died) = play(world, None).await?;
    ensure!(!died, "nothing was to happen in the first play");
    ensure!(undisturbed.contains("sensitive"), "the script ends in a hand-over:\n{undisturbed}");
    for place in places {
        for nth in 1.. {
            let place = format!("{place}:{nth}");
            let (outcome, died) = play(world, Some(&place)).await.with_context(|| place.clone())?;
            ensure!(outcome == undisturbed, "after dying at {place}:\n{outcome}\ninstead of\n{undisturbed}");
            if !died {
                // Still armed for a place that this script never comes to.
                world.restart().await?;
                break;
            }
        }
    }
    Ok(())
}

/// One conversation, with the server dying at the place; what is left of it, without ids and times.
async fn play(world: &World, place: Option<&str>) -> Result<(String, bool)> {
    let mut visitor = world.visitor().await?;
    // The conversation has its row: a visitor who was never acknowledged has nothing to come back to.
    visitor.send("opening hours please").await?;
    reply(&mut visitor).await?;
    if let Some(place) = place {
        world.arm(place).await?;
    }
    let mut died = false;
    for line in SCRIPT {
        if visitor.send(line).await.is_err() {
            recover(world, &mut visitor, &mut died).await?;
        }
        while reply(&mut visitor).await.is_err() {
            recover(world, &mut visitor, &mut died).await?;
        }
    }
    Ok((left_of(world, &visitor.conversation).await?, died))
}

async fn recover(world: &World, visitor: &mut Visitor, died: &mut bool) -> Result<()> {
    ensure!(!*died, "the server died twice");
    *died = true;
    world.ended().await?;
    world.start().await?;
    ensure!(visitor.resume().await?, "the visitor comes back to where they were");
    visitor.send_outbox().await?;
    Ok(())
}

/// Reads on to the agent's next message.
async fn reply(visitor: &mut Visitor) -> Result<()> {
    while visitor.next_message().await?["role"] != "assistant" {}
    Ok(())
}

/// All that the database holds of a conversation, as text that compares.
pub(crate) async fn left_of(world: &World, conversation: &str) -> Result<String> {
    let mut left = String::new();
    for (what, select) in [
        ("messages", "seq, role, agent_name, content, citations from messages"),
        (
            "interactions",
            "turn, outcome, intent, category, trigger_type, user_message, response from interactions",
        ),
        ("steps", "turn, step, status from turn_steps"),
        ("workflow", "turn, step, awaiting, reply_id is null as closed from workflow_states"),
        ("agents", "agent_name, turn, state from agent_states"),
        ("escalations", "trigger_type, status, contact_info, original_request, reason from escalations"),
        ("state", "status, owner, version from conversations"),
    ]
    .map(|(what, columns)| {
        let key = if what == "state" { "id" } else { "conversation_id" };
        (what, format!("select {columns} where {key} = '{conversation}' order by 1, 2"))
    }) {
        let rows = world.rows(&select).await?;
        writeln!(left, "{what}: {}", serde_json::to_string_pretty(&rows)?)?;
    }
    let told = format!(
        "select count(*) from outbox where subject_id in \
         (select id from escalations where conversation_id = '{conversation}')"
    );
    writeln!(left, "outbox: {}", world.value(&told).await?)?;
    Ok(left)
}
