//! The loop: what the agent could not answer, a person answers, and the next who asks is told by the agent, with its
//! source; and what was said by one visitor is never told to another.

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::commands::add_key;

pub(crate) const TESTS: &[Test] = tests![
    what_a_person_answered_the_agent_answers_next,
    what_means_the_same_is_answered_the_same needs Model,
    where_learning_is_off_nothing_is_quoted,
    what_is_said_of_an_answer_reaches_its_trace,
    who_is_erased_takes_along_what_was_learned,
    a_conversation_is_learned_from_once_also_after_a_kill,
];

/// A desk that knows nothing of what is asked here, and hands over without asking for contact details.
const DESK: &str = r#"
title = "Test desk"
rules = "Answer."
[thresholds]
evidence = 0.4
confidence = 0.3
[[agents]]
name = "navigator"
prompt = "Explain."
[[intents]]
name = "person"
kind = "human_request"
description = "Somebody asks for a person."
examples = ["I want a person", "let me talk to a human", "get me an agent", "can I speak to somebody"]
[[intents]]
name = "opening"
category = "automatable"
description = "When the shop is open."
examples = ["when are you open", "opening hours please", "what time do you close", "are you open on sunday"]
"#;

/// By its meaning every question is nearer to one of the intents than to none: so there is one for those that are asked here.
const MEMBERSHIP: &str = r#"
[[intents]]
name = "membership"
category = "automatable"
description = "Questions about a membership."
examples = ["what does a membership include", "can I change my membership", "how do I renew my subscription",
  "can my family use my plan", "what happens to my subscription when I move"]
[[intents]]
name = "other"
category = "automatable"
description = "Anything else."
examples = ["do you sell bicycles", "what colours do you have", "how do I clean the chain", "is there a car park"]
"#;

const QUESTION: &str = "Can I freeze my annual membership while I travel abroad? My name is Ada Lovelace.";
const OTHER_WORDS: &str = "Is it possible to freeze an annual membership during a travel?";
/// Of the words that say something it shares none with the question.
const OTHER_WORDS_FOR_IT: &str = "Could you pause a yearly subscription for holidays overseas?";
const ANSWER: &str = "Hi Ada, an annual membership can be frozen for ninety days a year, in the settings of your \
                      account. Write to ada@example.org or call +44 20 7946 0958, order 4711. Kind regards, Kim";

async fn desk(world: &World) -> Result<()> {
    desk_of(world, DESK).await
}

async fn desk_of(world: &World, text: &str) -> Result<()> {
    world.with_desk(text)?.without_limits().start().await
}

/// The agent's next answer.
async fn answer(visitor: &mut Visitor) -> Result<Value> {
    loop {
        let message = visitor.next_message().await?;
        if message["role"] == "assistant" {
            return Ok(message);
        }
    }
}

/// Somebody asks, the agent does not know, and Kim does.
async fn asked_and_answered(world: &World) -> Result<Visitor> {
    let user = json!({"email": "ada@example.org", "name": "Ada Lovelace", "external_id": "cust-1815"});
    let mut ada = Visitor::open(world.address(), json!({"user": user})).await?;
    let mut kim = Console::open(world, "Kim").await?;
    kim.subscribe().await?;
    ada.send(QUESTION).await?;
    ensure!(answer(&mut ada).await?["citations"] == json!([]));
    let escalation = kim.next_change().await?;
    let id = escalation["id"].as_str().context("an id")?.to_owned();
    ensure!(escalation["trigger_type"] == "insufficient_evidence", "{escalation}");
    kim.call("escalation.claim", json!({"id": id})).await?;
    kim.say(&ada.conversation, ANSWER).await?;
    kim.call("escalation.resolve", json!({"id": id, "resolution": "told her"})).await?;
    Ok(ada)
}

/// Waits until so many traces are there.
async fn learned(world: &World, traces: u64) -> Result<()> {
    eventually("something to be learned", async || {
        let known = world.value("select count(*) from reasoning_traces").await?;
        let waiting = world.value("select count(*) from finished_conversations").await?;
        Ok((known == traces && waiting == 0).then_some(()))
    })
    .await
}

async fn what_a_person_answered_the_agent_answers_next(world: World) -> Result<()> {
    desk(&world).await?;
    printed(&world.command(&["workspace", "set", "default", "--learn", "on"]).await?)?;
    let listed = printed(&world.command(&["workspace", "list"]).await?)?;
    ensure!(listed.contains("learns from staff"), "{listed}");
    let ada = asked_and_answered(&world).await?;
    learned(&world, 1).await?;

    let mut bob = world.visitor().await?;
    bob.send(OTHER_WORDS).await?;
    let told = answer(&mut bob).await?;
    let text = told["content"].as_str().context("a text")?;
    ensure!(text.starts_with("An annual membership can be frozen for ninety days a year"), "{told}");
    let cited = &told["citations"][0];
    ensure!(cited["title"] == "An answer of our team" && cited["number"] == 1, "{told}");
    let item = world.rows("select id, title, content, use from memory_items").await?;
    ensure!(item.len() == 1 && item[0]["use"] == "quote", "{item:?}");
    ensure!(cited["source"] == format!("memory:{}", item[0]["id"].as_str().context("an id")?), "{told}");
    // Nothing says who that was, on either side.
    let stored = format!("{told} {item:?}");
    for secret in ["Ada", "Lovelace", "ada@example.org", "7946", "4711", "Kim"] {
        ensure!(!stored.contains(secret), "{secret}: {stored}");
    }
    // The question of the one is not told to the other.
    let seen = format!("{:?}", bob.transcript());
    ensure!(!seen.contains("while I travel") && seen.contains("frozen"), "{seen}");

    let key = add_key(&world, "crm", "service", "default").await?;
    let found =
        world.rpc(Some(&key), "memory.query", json!({"query": "freeze membership", "limit": 1})).await?;
    ensure!(found["memories"][0]["outcome"] == "partial", "{found}");
    let id = &found["memories"][0]["trace_id"];
    let trace = world.rpc(Some(&key), "memory.get_trace", json!({"id": id})).await?["trace"].take();
    ensure!(trace["metadata"]["conversation_id"] == ada.conversation, "{trace}");
    ensure!(trace["trajectory"][1]["escalated"] == "insufficient_evidence", "{trace}");

    // What has nothing to do with it is not answered by it.
    let mut eve = world.visitor().await?;
    eve.send("How do I change the colour of my bicycle?").await?;
    ensure!(answer(&mut eve).await?["citations"] == json!([]), "{:?}", eve.transcript());

    // A trace that was taken away is quoted no more, also when its conversation is rated afterwards.
    world.rpc(Some(&key), "memory.delete_trace", json!({"id": id})).await?;
    let mut ada = ada;
    let rating = json!({"conversation_id": ada.conversation, "score": 5});
    ada.socket()?.call("conversation.rate", rating).await?;
    learned(&world, 0).await?;
    let mut dan = world.visitor().await?;
    dan.send(OTHER_WORDS).await?;
    ensure!(answer(&mut dan).await?["citations"] == json!([]));
    Ok(())
}

async fn what_means_the_same_is_answered_the_same(world: World) -> Result<()> {
    world.with_variable("SWITCHBOARD_EMBEDDER", "minilm");
    desk_of(&world, &format!("{DESK}{MEMBERSHIP}")).await?;
    printed(&world.command(&["workspace", "set", "default", "--learn", "on"]).await?)?;
    eventually("the model to be there", async || {
        Ok(world.log()?.contains("questions are understood by their meaning").then_some(()))
    })
    .await?;
    asked_and_answered(&world).await?;
    learned(&world, 1).await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    eventually("what was learned to have a meaning", async || {
        let stats = world.rpc(Some(&key), "memory.stats", json!({})).await?;
        Ok((stats["pending_vectors"] == 0 && stats["total_memories"] == 1).then_some(()))
    })
    .await?;
    let item = world.rows("select id, title, content from memory_items").await?;
    let mut bob = world.visitor().await?;
    bob.send(OTHER_WORDS_FOR_IT).await?;
    let told = answer(&mut bob).await?;
    let text = told["content"].as_str().context("a text")?;
    ensure!(text.starts_with("An annual membership can be frozen for ninety days a year"), "{told}");
    let cited = format!("memory:{}", item[0]["id"].as_str().context("an id")?);
    ensure!(told["citations"][0]["source"] == cited, "{told}");
    let stored = format!("{told} {item:?}");
    for secret in ["Ada", "Lovelace", "ada@example.org", "7946", "4711", "Kim"] {
        ensure!(!stored.contains(secret), "{secret}: {stored}");
    }
    // By what it means, and not by anything: what is about something else goes to a person.
    let mut eve = world.visitor().await?;
    eve.send("How do I change the colour of my bicycle?").await?;
    ensure!(answer(&mut eve).await?["citations"] == json!([]), "{:?}", eve.transcript());
    Ok(())
}

async fn where_learning_is_off_nothing_is_quoted(world: World) -> Result<()> {
    desk(&world).await?;
    asked_and_answered(&world).await?;
    learned(&world, 1).await?;
    for (switch, is_quoted) in [(None, false), (Some("on"), true), (Some("off"), false)] {
        if let Some(switch) = switch {
            printed(&world.command(&["workspace", "set", "default", "--learn", switch]).await?)?;
        }
        let mut bob = world.visitor().await?;
        bob.send(OTHER_WORDS).await?;
        let told = answer(&mut bob).await?;
        ensure!((told["citations"] != json!([])) == is_quoted, "{switch:?}: {told}");
    }
    Ok(())
}

async fn what_is_said_of_an_answer_reaches_its_trace(world: World) -> Result<()> {
    world.with_preset("member_support").without_limits();
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("how do I change my billing address?").await?;
    let told = answer(&mut visitor).await?;
    let conversation = visitor.conversation.clone();
    let trace = async || {
        let rows = world.rows("select outcome, metadata from reasoning_traces").await?;
        Ok::<_, anyhow::Error>(rows.into_iter().next().unwrap_or_default())
    };
    let close = json!({"conversation_id": conversation});
    visitor.socket()?.call("conversation.close", close).await?;
    learned(&world, 1).await?;
    let before = trace().await?;
    let feedback = json!({"message_id": told["id"], "helpful": false, "comment": "I am Ada and it is wrong"});
    visitor.socket()?.call("message.feedback", feedback).await?;
    eventually("the feedback in the trace", async || {
        let now = trace().await?;
        Ok((now["metadata"]["unhelpful"] == 1 && now["outcome"] == "failure").then_some(()))
    })
    .await?;
    ensure!(before["metadata"]["unhelpful"] == 0, "{before}");
    let rating = json!({"conversation_id": conversation, "score": 4, "comment": "Ada again"});
    visitor.socket()?.call("conversation.rate", rating).await?;
    eventually("the rating in the trace", async || {
        Ok((trace().await?["metadata"]["rating"] == 4).then_some(()))
    })
    .await?;
    let all = format!("{:?}", world.rows("select * from reasoning_traces").await?);
    ensure!(!all.contains("Ada"), "{all}");
    ensure!(world.value("select count(*) from reasoning_traces").await? == 1);
    Ok(())
}

async fn who_is_erased_takes_along_what_was_learned(world: World) -> Result<()> {
    desk(&world).await?;
    printed(&world.command(&["workspace", "set", "default", "--learn", "on"]).await?)?;
    asked_and_answered(&world).await?;
    learned(&world, 1).await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let own =
        json!({"task": "x", "outcome": "success", "memory_items": [{"title": "Own", "content": "Stays."}]});
    world.rpc(Some(&key), "memory.add_trace", json!({"trace": own})).await?;
    let exported = printed(&world.command(&["person", "export", "ada@example.org"]).await?)?;
    ensure!(exported.contains("reasoning_trace") && !exported.contains("Stays."), "{exported}");
    printed(&world.command(&["person", "erase", "ada@example.org"]).await?)?;
    let left = world.rows("select title from memory_items").await?;
    ensure!(left == [json!({"title": "Own"})], "{left:?}");
    let stats = world.rpc(Some(&key), "memory.stats", json!({})).await?;
    ensure!(stats["total_traces"] == 1 && stats["total_memories"] == 1, "{stats}");
    let mut bob = world.visitor().await?;
    bob.send(OTHER_WORDS).await?;
    ensure!(answer(&mut bob).await?["citations"] == json!([]));
    Ok(())
}

async fn a_conversation_is_learned_from_once_also_after_a_kill(world: World) -> Result<()> {
    desk(&world).await?;
    let mut ada = asked_and_answered(&world).await?;
    world.kill().await?;
    world.allow_warning("the Postgres of a server that was killed still runs");
    world.start().await?;
    learned(&world, 1).await?;
    let before = world.rows("select id from memory_items order by ordinal").await?;
    ada.resume().await?;
    let close = json!({"conversation_id": ada.conversation});
    ada.socket()?.call("conversation.close", close).await?;
    learned(&world, 1).await?;
    ensure!(world.rows("select id from memory_items order by ordinal").await? == before);
    Ok(())
}
