//! Takeover is exact: from its commit on no word of the agent is committed, and what was streamed is withdrawn.

use std::time::Duration;

use futures_util::future::try_join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use switchboard_tests::fake_openai::{Act, Asked, FakeOpenAi};
use switchboard_tests::prelude::*;

pub(crate) const TESTS: &[Test] = tests![
    a_reply_that_was_streaming_is_withdrawn_on_every_screen,
    nothing_of_the_agent_follows_a_takeover,
    the_agent_does_not_take_up_an_old_hand_over,
    a_takeover_survives_a_crash,
];

/// A desk whose every question goes to the model, whatever it is.
const DESK: &str = r#"
title = "Test desk"
rules = "Answer."
[thresholds]
evidence = 0.0
confidence = 0.0
[[agents]]
name = "navigator"
prompt = "Explain."
[[intents]]
name = "opening"
category = "automatable"
description = "When the shop is open."
examples = ["when are you open", "opening hours please", "what time do you close", "are you open on sunday"]
[[intents]]
name = "person"
kind = "human_request"
description = "Somebody asks for a person."
examples = ["I want a person", "let me talk to a human", "get me an agent", "can I speak to somebody"]
"#;

/// The agent's whole answer.
const ANSWER: &str = "one two three four five six seven eight nine ten eleven twelve";

async fn desk(world: &World) -> Result<FakeOpenAi> {
    let model = FakeOpenAi::start().await?;
    model.always(
        Asked::Intent,
        Act::object(&json!({"intent": "opening", "confidence": 0.95, "reason": "it is"})),
    );
    let answer = json!({"text": ANSWER, "action": "answer", "confidence": 0.9});
    model.always(Asked::Answer, Act::drip(&answer.to_string(), Duration::from_millis(60)));
    world.with_desk(DESK)?.without_limits();
    world.with_variable("OPENAI_BASE_URL", &model.base_url()).with_variable("OPENAI_API_KEY", "sk-test");
    Ok(model)
}

async fn a_reply_that_was_streaming_is_withdrawn_on_every_screen(world: World) -> Result<()> {
    let _model = desk(&world).await?;
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let conversation = visitor.conversation.clone();
    let mut ada = Console::open(&world, "Ada").await?;
    visitor.send("when are you open?").await?;
    let mut tab = visitor.tab().await?;
    ada.call("conversation.join", json!({"conversation_id": conversation})).await?;
    let streamed = visitor.socket()?.notification("message.delta").await?["message_id"].take();
    let taken = ada.call("conversation.takeover", json!({"conversation_id": conversation})).await?;
    ensure!(taken["conversation"]["status"] == "with_staff", "{taken}");
    ensure!(taken["conversation"]["workflow"]["awaiting"].is_null(), "{taken}");
    let gone = json!({"conversation_id": conversation, "message_id": streamed, "reason": "takeover"});
    ensure!(ada.socket()?.notification("message.withdrawn").await? == gone);
    for screen in [&mut visitor, &mut tab] {
        ensure!(screen.socket()?.notification("message.withdrawn").await? == gone);
        ensure!(screen.next_message().await?["content"] == "Ada has joined the conversation.");
    }
    let row = world.rows("select outcome, escalated from interactions").await?;
    ensure!(row == [json!({"outcome": "taken_over", "escalated": false})], "{row:?}");
    let escalation = world.rows("select trigger_type, status from escalations").await?;
    ensure!(
        escalation == [json!({"trigger_type": "staff_takeover", "status": "in_progress"})],
        "{escalation:?}"
    );
    // Whoever comes in now sees nothing of it either.
    let opened = world
        .socket()
        .await?
        .call("session.open", json!({"resume": visitor.resume_secret, "conversation_id": conversation}))
        .await?;
    ensure!(opened["streaming"].is_null() && opened["messages"].as_array().is_some_and(|all| all.len() == 2));
    Ok(())
}

/// Takeovers at any moment of a streamed reply, with visitors who go on writing, and hand-backs.
async fn nothing_of_the_agent_follows_a_takeover(world: World) -> Result<()> {
    const LANES: u64 = 10;
    const ROUNDS: usize = 20;
    let _model = desk(&world).await?;
    world.start().await?;
    let seed: u64 = rand::random();
    let ada = Console::open(&world, "Ada").await?;
    let lanes = (0..LANES).map(|lane| {
        let (world, key) = (world.clone(), ada.key.clone());
        async move {
            let mut dice = StdRng::seed_from_u64(seed + lane);
            let mut console = Console::with_key(&world, &key).await?;
            for round in 0..ROUNDS {
                interleave(&world, &mut console, &mut dice)
                    .await
                    .with_context(|| format!("seed {seed}, lane {lane}, round {round}"))?;
            }
            Ok::<_, anyhow::Error>(())
        }
    });
    try_join_all(lanes).await?;
    Ok(())
}

async fn interleave(world: &World, console: &mut Console, dice: &mut StdRng) -> Result<()> {
    let mut visitor = world.visitor().await?;
    let conversation = visitor.conversation.clone();
    let id = json!({"conversation_id": conversation});
    visitor.send("when are you open?").await?;
    // In the middle of the reply, or before its first word.
    for _ in 0..dice.random_range(0..4) {
        visitor.socket()?.notification("message.delta").await?;
    }
    let take = console.socket()?.request("conversation.takeover", id.clone()).await?;
    if dice.random() {
        visitor.send("and on sunday?").await?;
    }
    let taken = console.socket()?.answer(take).await??;
    visitor.send("hello, a person?").await?;
    console.say(&conversation, "I am here.").await?;
    let log = world.stored_messages(&conversation).await?;
    let marker = log.iter().position(|message| message["role"] == "system").context("a marker")?;
    ensure!(
        log[marker..].iter().all(|message| message["role"] != "assistant"),
        "nothing of the agent after the marker: {log:?}"
    );
    let escalation = taken["conversation"]["escalation"]["id"].clone();
    console.call("escalation.release", json!({"id": escalation})).await?;
    visitor.send("so, when are you open?").await?;
    let answered = loop {
        let message = visitor.next_message().await?;
        if message["role"] == "assistant" && message["seq"].as_u64() > Some(marker as u64 + 1) {
            break message;
        }
    };
    ensure!(answered["content"].as_str().is_some_and(|text| text.starts_with("one two")), "{answered}");
    let log = world.stored_messages(&conversation).await?;
    let said: Vec<_> = log.iter().filter(|message| message["role"] == "user").collect();
    ensure!(said.len() == 3 || said.len() == 4, "no message is lost: {log:?}");
    let back = log.iter().rposition(|message| message["role"] == "system").context("a marker")?;
    ensure!(log[marker..back].iter().all(|message| message["role"] != "assistant"), "{log:?}");
    Ok(())
}

async fn the_agent_does_not_take_up_an_old_hand_over(world: World) -> Result<()> {
    world.with_preset("bank");
    world.start().await?;
    let mut visitor = world.visitor().await?;
    // It asks for contact details, and would take the next message for them.
    visitor.send("I want to talk to a human").await?;
    visitor.next_message().await?;
    let mut ada = Console::open(&world, "Ada").await?;
    let id = json!({"conversation_id": visitor.conversation});
    let taken = ada.call("conversation.takeover", id).await?;
    let escalation = taken["conversation"]["escalation"]["id"].clone();
    let back = ada.call("escalation.release", json!({"id": escalation})).await?;
    ensure!(back["escalation"]["status"] == "resolved", "handed back: {back}");
    ensure!(visitor.next_message().await?["metadata"]["marker"] == "taken");
    ensure!(visitor.next_message().await?["metadata"]["marker"] == "handed_back");
    visitor.send("Ada Lovelace, ada@example.org").await?;
    let answer = visitor.next_message().await?;
    ensure!(answer["role"] == "assistant", "{answer}");
    let rows = world.value("select count(*) from escalations where trigger_type = 'user_request'").await?;
    ensure!(rows == 0, "nobody is handed over for what was said before: {answer}");
    Ok(())
}

async fn a_takeover_survives_a_crash(world: World) -> Result<()> {
    let _model = desk(&world).await?;
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let conversation = visitor.conversation.clone();
    let mut ada = Console::open(&world, "Ada").await?;
    visitor.send("when are you open?").await?;
    visitor.socket()?.notification("message.delta").await?;
    world.arm("write.after").await?;
    // Committed, and nobody was told.
    let _ = ada.socket()?.request("conversation.takeover", json!({"conversation_id": conversation})).await?;
    world.ended().await?;
    world.allow_warning("the Postgres of a server that was killed still runs");
    world.start().await?;
    visitor.lose();
    visitor.resume().await?;
    visitor.send("is somebody there?").await?;
    let log = world.stored_messages(&conversation).await?;
    let roles: Vec<_> = log.iter().filter_map(|message| message["role"].as_str()).collect();
    ensure!(roles == ["user", "system", "user"], "{log:?}");
    let open = world.value("select count(*) from workflow_states where reply_id is not null").await?;
    ensure!(open == 0, "no turn is left open");
    Ok(())
}
