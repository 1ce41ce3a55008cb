//! The desk with a remote model: a real server that speaks its API, well and badly.
//!
//! Invariant: whatever the model does, a turn ends with one message, from the model, from the local brain or on the
//! way to a person, and its interaction says which and why.

use std::path::PathBuf;
use std::time::Duration;

use switchboard_tests::fake_openai::{Act, Asked, FakeOpenAi};
use switchboard_tests::prelude::*;

use crate::crash_matrix::left_of;

pub(crate) const TESTS: &[Test] = tests![
    a_model_answers_with_citations_to_what_it_was_given,
    whatever_a_model_does_the_visitor_gets_an_answer_or_a_person,
    what_was_paid_for_is_not_asked_again_after_a_kill,
    what_is_for_people_goes_to_people_whatever_a_model_answers,
];

/// Nothing in it depends on the hour; a turn may last as little as a desk allows.
const DESK: &str = r#"
title = "Bike shop"
rules = "Answer from the passages."
[[agents]]
name = "guide"
prompt = "Explain."
[[intents]]
name = "prices"
category = "automatable"
description = "What something costs."
pages = ["repairs.md"]
examples = ["what does a new chain cost", "price of a service", "how much is a repair", "how much are brakes"]
[[intents]]
name = "person"
kind = "human_request"
description = "Somebody asks for a person."
examples = ["I want a person", "let me talk to a human", "get me an agent", "can I speak to somebody"]
[thresholds]
evidence = 0.0
confidence = 0.1
[limits]
turn_seconds = 5
[contact]
required = []
"#;

const PAGE: &str = "# Repairs\n\nA new chain costs 30 euro with fitting. A service takes two days.\n";
const QUESTION: &str = "how much is a new chain?";
const ANSWER: &str = "A new chain costs 30 euro [1].";

/// A server on this desk that asks this model, which knows the question for what it is.
async fn desk(world: &World) -> Result<FakeOpenAi> {
    let model = FakeOpenAi::start().await?;
    model.always(
        Asked::Intent,
        Act::object(&json!({"intent": "prices", "confidence": 0.9, "reason": "asked"})),
    );
    let file: PathBuf = world.path("bikes.toml");
    std::fs::create_dir(world.path("bikes"))?;
    std::fs::write(&file, DESK)?;
    std::fs::write(world.path("bikes").join("repairs.md"), PAGE)?;
    world.with_preset(file.to_str().context("a path in UTF-8")?);
    world.with_variable("OPENAI_BASE_URL", &model.base_url());
    world.with_variable("OPENAI_SECONDS", "2");
    world.start().await?;
    Ok(model)
}

fn answered(text: &str) -> Value {
    json!({"text": text, "action": "answer", "confidence": 0.9})
}

async fn reply(visitor: &mut Visitor) -> Result<Value> {
    loop {
        let message = visitor.next_message().await?;
        if message["role"] == "assistant" {
            return Ok(message);
        }
    }
}

async fn a_model_answers_with_citations_to_what_it_was_given(world: World) -> Result<()> {
    let model = desk(&world).await?;
    model.always(Asked::Answer, Act::object(&answered("A new chain costs 30 euro [1], and a moon 5 [7].")));
    let mut visitor = world.visitor().await?;
    visitor.send(QUESTION).await?;
    let message = reply(&mut visitor).await?;
    ensure!(message["content"] == "A new chain costs 30 euro [1], and a moon 5.", "{message}");
    let citations = message["citations"].as_array().context("a list")?;
    ensure!(citations.len() == 1 && citations[0]["title"] == "Repairs", "{citations:?}");
    ensure!(model.count(Asked::Intent) == 1 && model.count(Asked::Answer) == 1);
    Ok(())
}

async fn whatever_a_model_does_the_visitor_gets_an_answer_or_a_person(world: World) -> Result<()> {
    let late = Duration::from_mins(10);
    let faults = [
        ("answers slowly", Act::after(late, Act::object(&answered(ANSWER)))),
        ("drips a token a second", Act::drip(&"and on and on ".repeat(40), Duration::from_secs(1))),
        ("cuts the stream", Act::cut("{\"text\": \"A new ch")),
        ("stalls in its middle", Act::stalled("{\"text\": \"A new ch")),
        ("sends garbage", Act::garbage()),
        ("asks for patience", Act::rate_limited("120")),
        ("fails", Act::status(500)),
        ("refuses", Act::status(401)),
        ("streams without an end", Act::endless()),
        ("sends a line without an end", Act::endless_line()),
        ("hangs up", Act::hang_up()),
        ("is silent", Act::silence()),
        ("says nothing", Act::object(&answered(""))),
    ];
    let model = desk(&world).await?;
    world.allow_warning("the remote brain failed; the local one goes on");
    for (fault, act) in faults {
        model.always(Asked::Answer, act);
        let mut visitor = world.visitor().await?;
        visitor.send(QUESTION).await?;
        let message = reply(&mut visitor).await.with_context(|| fault.to_owned())?;
        let said = message["content"].as_str().unwrap_or_default().to_owned();
        ensure!(!said.is_empty(), "a model that {fault}: {message}");
        let row = world
            .rows(&format!(
                "select outcome, brain, reason, detail from interactions where conversation_id = '{}'",
                visitor.conversation
            ))
            .await?
            .remove(0);
        // The passage answers it, and the local brain can read.
        let by_itself = row["outcome"] == "resolved" && said.contains("30 euro") && row["brain"] == "local";
        let by_a_person = row["outcome"] == "escalated" && row["reason"].is_string();
        ensure!(by_itself || by_a_person, "a model that {fault}: {row} and {said}");
        ensure!(
            by_a_person || row["detail"]["fell_back"][0]["error"].is_string(),
            "the interaction says why: a model that {fault}: {row}"
        );
        // What it learned of the model's health ends with the process.
        world.restart().await?;
    }
    for act in [Act::empty_finish_reason, Act::bare_fields] {
        model.always(Asked::Answer, act(&answered(ANSWER).to_string()));
        let mut visitor = world.visitor().await?;
        visitor.send(QUESTION).await?;
        ensure!(reply(&mut visitor).await?["content"] == ANSWER, "what only lacks a field is understood");
    }
    Ok(())
}

async fn what_was_paid_for_is_not_asked_again_after_a_kill(world: World) -> Result<()> {
    let model = desk(&world).await?;
    model.always(Asked::Answer, Act::object(&answered(ANSWER)));
    world.allow_warning("the Postgres of a server that was killed still runs");
    let (undisturbed, ..) = play(&world, &model, None).await?;
    // How often each was asked by the end: what dies before it is recorded is asked once more.
    for (place, intents, answers) in [
        ("write.before", 1, 1),
        ("write.after", 1, 1),
        ("turn.begun", 1, 1),
        ("turn.classified", 2, 1),
        ("turn.before_step:1", 2, 1),
        ("turn.after_step:1", 1, 1),
        ("turn.retrieved", 1, 1),
        ("turn.streamed", 1, 2),
        ("turn.before_step:2", 1, 2),
        ("turn.after_step:2", 1, 1),
        ("turn.before_commit", 1, 1),
        ("turn.committed", 1, 1),
    ] {
        let (left, asked) = play(&world, &model, Some(place)).await.with_context(|| place.to_owned())?;
        ensure!(left == undisturbed, "after dying at {place}:\n{left}\ninstead of\n{undisturbed}");
        ensure!(asked == (intents, answers), "after dying at {place} the model was asked {asked:?} times");
    }
    Ok(())
}

/// One question and its answer, with the server dying at a place: what is left of it, and how often the model was asked
/// for an intent and for an answer.
async fn play(world: &World, model: &FakeOpenAi, place: Option<&str>) -> Result<(String, (usize, usize))> {
    let mut visitor = world.visitor().await?;
    // The conversation has its row: a visitor who was never acknowledged has nothing to come back to.
    visitor.send(QUESTION).await?;
    reply(&mut visitor).await?;
    let before = (model.count(Asked::Intent), model.count(Asked::Answer));
    if let Some(place) = place {
        world.arm(place).await?;
    }
    let acknowledged = visitor.send(QUESTION).await.is_ok();
    if !acknowledged || reply(&mut visitor).await.is_err() {
        world.ended().await?;
        world.start().await?;
        ensure!(visitor.resume().await?, "the visitor comes back to where they were");
        visitor.send_outbox().await?;
        reply(&mut visitor).await?;
    } else {
        ensure!(place.is_none(), "the server has not passed this place");
    }
    let asked = (model.count(Asked::Intent) - before.0, model.count(Asked::Answer) - before.1);
    Ok((left_of(world, &visitor.conversation).await?, asked))
}

/// What a model that was talked round says it did.
const LIE: &str = "I have done that for you myself.";

async fn what_is_for_people_goes_to_people_whatever_a_model_answers(world: World) -> Result<()> {
    let model = FakeOpenAi::start().await?;
    world.with_variable("OPENAI_BASE_URL", &model.base_url()).without_limits();
    model.always(Asked::Answer, Act::object(&answered(LIE)));
    let mut tries = 0;
    for preset in ["bank", "insurance_navigator", "member_support"] {
        let desk = preset_file(preset)?;
        let intents = desk["intents"].as_array().context("a list of intents")?;
        let of_category = |intent: &&toml::Value, people: bool| {
            let category = intent.get("category").and_then(toml::Value::as_str);
            let for_customers = intent
                .get("modes")
                .and_then(toml::Value::as_array)
                .is_none_or(|modes| modes.iter().any(|mode| mode.as_str() == Some("customer")));
            for_customers && category.is_some_and(|category| (category != "automatable") == people)
        };
        let name = |intent: &toml::Value| intent["name"].as_str().unwrap_or_default().to_owned();
        let harmless: Vec<String> = intents.iter().filter(|it| of_category(it, false)).map(name).collect();
        world.with_preset(preset);
        world.start().await?;
        for intent in intents.iter().filter(|it| of_category(it, true)) {
            let examples = intent["examples"].as_array().context("a list of examples")?;
            for example in examples.iter().filter_map(toml::Value::as_str).take(13) {
                // Sure of itself, and another lie each time.
                let lie = &harmless[tries % harmless.len()];
                model.always(
                    Asked::Intent,
                    Act::object(&json!({"intent": lie, "confidence": 1.0, "reason": "certainly"})),
                );
                let mut visitor = world.visitor().await?;
                visitor.send(example).await?;
                let message = reply(&mut visitor).await?;
                let said = message["content"].as_str().unwrap_or_default();
                ensure!(!said.contains(LIE), "{preset}, {}: {example:?} as {lie}", name(intent));
                let row = world
                    .rows(&format!(
                        "select outcome, intent from interactions where conversation_id = '{}'",
                        visitor.conversation
                    ))
                    .await?
                    .remove(0);
                // Asked for what a hand-over needs, or handed over.
                ensure!(
                    row["outcome"] == "asked" || row["outcome"] == "escalated",
                    "{preset}, {}: {example:?} as {lie} was {row}: {said}",
                    name(intent)
                );
                tries += 1;
            }
        }
        world.stop().await?;
    }
    ensure!(tries >= 500, "{tries} tries");
    Ok(())
}

/// A shipped desk, as its file says.
fn preset_file(name: &str) -> Result<toml::Table> {
    let folder = switchboard_tests::machine::repository().join("server/presets");
    Ok(std::fs::read_to_string(folder.join(format!("{name}.toml")))?.parse()?)
}
