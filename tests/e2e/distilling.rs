//! Conversations of known contacts become insights by themselves: once, with their sources, of the right contact, and gone
//! with the person.

use std::time::Duration;

use switchboard_tests::fake_openai::{Act, Asked, FakeOpenAi};
use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::commands::{add_key, last_line};
use crate::http::refused;
use crate::identity::signature;

pub(crate) const TESTS: &[Test] = tests![
    what_a_known_contact_says_becomes_an_insight_once,
    who_only_claims_an_id_is_a_contact_of_their_own,
    who_is_erased_takes_along_what_is_known_of_them,
    a_model_draws_what_it_can_cite,
    a_model_that_fails_leaves_it_to_the_rules,
    a_server_killed_while_a_model_reads_asks_it_again,
    what_the_database_refuses_has_failed,
    rows_of_a_warehouse_are_distilled_by_the_model_once,
];

const SAID: [&str; 3] = [
    "Hello, I have two daughters. How do I add them to my plan?",
    "I run a bakery in Lyon.",
    "Do you sell cakes?",
];

/// A server for people alone, and the key of a service.
async fn desk(world: &World) -> Result<String> {
    world.without_limits().start().await?;
    add_key(world, "crm", "service", "default").await
}

/// The same with a model.
async fn desk_with_model(world: &World) -> Result<(FakeOpenAi, String)> {
    let model = FakeOpenAi::start().await?;
    world.with_variable("OPENAI_BASE_URL", &model.base_url());
    let key = desk(world).await?;
    Ok((model, key))
}

/// A visitor whose id the host has signed.
async fn verified(world: &World, id: &str) -> Result<Visitor> {
    let secret = last_line(&world.command(&["workspace", "set", "default", "--new-secret"]).await?)?;
    let user = json!({"external_id": id, "hash": signature(&secret, id)?, "name": "Ann Lee"});
    Visitor::open(world.address(), json!({"user": user, "mode": "customer"})).await
}

async fn say_and_close(visitor: &mut Visitor, said: &[&str]) -> Result<()> {
    for text in said {
        visitor.send(text).await?;
    }
    let close = json!({"conversation_id": visitor.conversation});
    visitor.socket()?.call("conversation.close", close).await?;
    Ok(())
}

/// Waits until nothing waits to be distilled, and something was.
async fn distilled(world: &World) -> Result<()> {
    eventually("the conversations to be distilled", async || {
        let sql = "select count(*) > 0 and count(due_at) = 0 and not exists (select from finished_conversations) as done \
                   from distillations";
        Ok((world.value(sql).await? == true).then_some(()))
    })
    .await
}

async fn insight(world: &World, key: &str, contact: &str) -> Result<Value> {
    Ok(world.rpc(Some(key), "insight.get", json!({"contact_id": contact})).await?["insight"].take())
}

async fn failures(world: &World, key: &str) -> Result<Value> {
    Ok(world.rpc(Some(key), "insight.stats", json!({})).await?["failures"].take())
}

async fn what_a_known_contact_says_becomes_an_insight_once(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let mut ann = verified(&world, "C-1").await?;
    let mut kim = Console::open(&world, "Kim").await?;
    kim.subscribe().await?;
    for text in SAID {
        ann.send(text).await?;
    }
    let asked = json!({"conversation_id": ann.conversation, "reason": "cakes"});
    ann.socket()?.call("escalation.request", asked).await?;
    let escalation = kim.next_change().await?["id"].as_str().context("an id")?.to_owned();
    kim.call("escalation.claim", json!({"id": escalation})).await?;
    kim.say(&ann.conversation, "I have two daughters as well. No cakes.").await?;
    kim.call("escalation.resolve", json!({"id": escalation, "resolution": "told her"})).await?;
    distilled(&world).await?;
    let first = insight(&world, &key, "C-1").await?;
    let of = format!("(conversation {})", ann.conversation);
    ensure!(first["insights"]["personal"] == format!("Hello, I have two daughters. [1]\n{of}"), "{first}");
    ensure!(first["insights"]["business"] == format!("I run a bakery in Lyon. [2]\n{of}"), "{first}");
    ensure!(first["insights"]["deals"].is_null() && first["processing_status"] == "completed", "{first}");
    ensure!(first["eni_source_types"] == json!(["conversation"]) && first["version"] == 1, "{first}");
    ensure!(
        first["eni_source_subtypes"] == json!(["customer"]) && first["member_name"] == "Ann Lee",
        "{first}"
    );
    ensure!(first["total_eni_ids"] == 1 && first["record_count"] == 4, "{first}");

    // What is tried again, as after a crash, is not taken in twice.
    world.execute("update distillations set due_at = now(), upto_seq = 0").await?;
    distilled(&world).await?;
    ensure!(insight(&world, &key, "C-1").await?["version"] == 1);

    // It goes on, and what is said then is a group of its own.
    say_and_close(&mut ann, &["I invest in wind farms.", "thanks"]).await?;
    distilled(&world).await?;
    let second = insight(&world, &key, "C-1").await?;
    ensure!(second["version"] == 2 && second["total_eni_ids"] == 1, "{second}");
    ensure!(
        second["record_count"] == 6 && second["insights"]["personal"] == first["insights"]["personal"],
        "{second}"
    );
    let investing = second["insights"]["investing"].as_str().context("investing")?;
    let seq = ann.transcript().iter().find(|message| message["content"] == "I invest in wind farms.");
    let seq = &seq.context("the message")?["seq"];
    ensure!(investing == format!("I invest in wind farms. [{seq}]\n{of}"), "{second}");
    let found = world.rpc(Some(&key), "insight.search", json!({"query": "bakeries"})).await?;
    ensure!(found["results"][0]["insight"]["contact_id"] == "C-1", "{found}");
    // Nothing was said of them the next time, and nothing changes.
    let mut again = verified(&world, "C-1").await?;
    ensure!(again.conversation != ann.conversation);
    say_and_close(&mut again, &["What does it cost?"]).await?;
    distilled(&world).await?;
    ensure!(insight(&world, &key, "C-1").await? == second);
    ensure!(failures(&world, &key).await?["total"] == 0);
    Ok(())
}

async fn who_only_claims_an_id_is_a_contact_of_their_own(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let crm = json!({"contact_id": "C-1", "insights": {"personal": "Sails."}, "metadata": {"crm": 7}});
    world.rpc(Some(&key), "insight.upsert", json!({"insight": crm})).await?;
    let before = insight(&world, &key, "C-1").await?;
    let user = json!({"external_id": "C-1", "email": "eve@example.org", "name": "Eve"});
    let mut eve = Visitor::open(world.address(), json!({"user": user})).await?;
    say_and_close(&mut eve, &SAID).await?;
    let mut anonymous = world.visitor().await?;
    say_and_close(&mut anonymous, &SAID).await?;
    distilled(&world).await?;
    ensure!(insight(&world, &key, "C-1").await? == before, "nobody writes into another's");
    let visitor = world.value("select id from users where name = 'Eve'").await?;
    let own = format!("visitor:{}", visitor.as_str().context("an id")?);
    let known = insight(&world, &key, &own).await?;
    ensure!(known["member_name"] == "Eve" && known["metadata"]["email"] == "eve@example.org", "{known}");
    ensure!(known["insights"]["personal"].as_str().is_some_and(|said| said.contains("daughters")), "{known}");
    let count = world.rpc(Some(&key), "insight.count", json!({})).await?;
    ensure!(count["count"] == 2, "who cannot be reached is nobody: {count}");
    Ok(())
}

async fn who_is_erased_takes_along_what_is_known_of_them(world: World) -> Result<()> {
    let key = desk(&world).await?;
    let mut ann = verified(&world, "C-1").await?;
    let crm = json!({"contact_id": "C-1", "insights": {"deals": "Sells the firm."}});
    world.rpc(Some(&key), "insight.upsert", json!({"insight": crm, "group_key": "crm"})).await?;
    let other = json!({"contact_id": "C-2", "insights": {"personal": "Sails."}});
    world.rpc(Some(&key), "insight.upsert", json!({"insight": other})).await?;
    say_and_close(&mut ann, &SAID).await?;
    distilled(&world).await?;
    ensure!(insight(&world, &key, "C-1").await?["version"] == 2);
    let exported = printed(&world.command(&["person", "export", "C-1"]).await?)?;
    let line = exported.lines().find(|line| line.contains("\"kind\" : \"insight\"")).context("a line")?;
    ensure!(line.contains("two daughters") && line.contains("Sells the firm."), "{line}");
    let output = world.command(&["person", "erase", "C-1"]).await?;
    printed(&output)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(said.contains("1 insights"), "{said}");
    let refusal = refused(&world, Some(&key), "insight.get", json!({"contact_id": "C-1"})).await?;
    ensure!(refusal.kind == "not_found", "{refusal}");
    for table in ["structured_insights", "insight_groups", "insight_words", "distillations", "audit_log"] {
        let sql = format!("select count(*) from {table} t where position('C-1' in row_to_json(t)::text) > 0");
        ensure!(world.value(&sql).await? == 0, "{table}");
    }
    ensure!(world.value("select count(*) from distillations").await? == 0);
    ensure!(insight(&world, &key, "C-2").await?["version"] == 1);
    Ok(())
}

/// What the model says, citing also what it was not given and what the desk said.
fn drawn() -> Value {
    json!({
        "personal": [{"text": "Has two daughters.", "notes": [1, 99]}, {"text": "Sails.", "notes": [99]}],
        "business": [{"text": "Bakes in Lyon.", "notes": ["2"]}], "deals": [], "favourites": [{"text": "x", "notes": [1]}],
    })
}

async fn a_model_draws_what_it_can_cite(world: World) -> Result<()> {
    let (model, key) = desk_with_model(&world).await?;
    model.next(Asked::Insights, Act::after(Duration::from_secs(2), Act::object(&drawn())));
    let mut ann = verified(&world, "C-1").await?;
    say_and_close(&mut ann, &SAID).await?;
    eventually("the model to be asked", async || Ok((model.count(Asked::Insights) == 1).then_some(())))
        .await?;
    let meanwhile = insight(&world, &key, "C-1").await?;
    ensure!(meanwhile["processing_status"] == "processing" && meanwhile["version"] == 0, "{meanwhile}");
    distilled(&world).await?;
    let known = insight(&world, &key, "C-1").await?;
    let of = format!("(conversation {})", ann.conversation);
    ensure!(known["insights"]["personal"] == format!("Has two daughters. [1]\n{of}"), "{known}");
    ensure!(known["insights"]["business"] == format!("Bakes in Lyon. [2]\n{of}"), "{known}");
    ensure!(known["processing_status"] == "completed" && known["version"] == 1, "{known}");
    let call = model.calls().into_iter().find(|call| call.asked == Asked::Insights).context("a call")?;
    let shown = call.body["messages"][1]["content"].as_str().context("a text")?;
    ensure!(shown.contains("<note n=\"2\">\nI run a bakery in Lyon."), "{shown}");
    ensure!(model.count(Asked::Insights) == 1 && failures(&world, &key).await?["total"] == 0);
    Ok(())
}

async fn a_model_that_fails_leaves_it_to_the_rules(world: World) -> Result<()> {
    world.allow_warning("the remote brain drew no insights");
    let (model, key) = desk_with_model(&world).await?;
    model.always(Asked::Insights, Act::garbage());
    let mut ann = verified(&world, "C-1").await?;
    say_and_close(&mut ann, &SAID).await?;
    distilled(&world).await?;
    let known = insight(&world, &key, "C-1").await?;
    let personal = known["insights"]["personal"].as_str().context("a text")?;
    ensure!(personal.starts_with("Hello, I have two daughters. [1]"), "{known}");
    ensure!(known["processing_status"] == "completed", "{known}");
    ensure!(model.count(Asked::Insights) > 1, "what it got wrong once it may get right");
    let listed = failures(&world, &key).await?;
    ensure!(listed["by_kind"]["distillation"] == 1 && listed["total"] == 1, "{listed}");
    ensure!(listed["newest"][0]["subject"] == ann.conversation.as_str(), "{listed}");
    let metrics = world.get("/metrics").await?.text().await?;
    ensure!(metrics.contains("switchboard_processing_failures_total{kind=\"distillation\"} 1"), "{metrics}");
    ensure!(metrics.contains("switchboard_brain_fallbacks_total{step=\"distil\"} 1"), "{metrics}");
    Ok(())
}

async fn a_server_killed_while_a_model_reads_asks_it_again(world: World) -> Result<()> {
    let (model, key) = desk_with_model(&world).await?;
    model.next(Asked::Insights, Act::silence());
    model.always(Asked::Insights, Act::object(&drawn()));
    let mut ann = verified(&world, "C-1").await?;
    say_and_close(&mut ann, &SAID).await?;
    eventually("the model to be asked", async || Ok((model.count(Asked::Insights) == 1).then_some(())))
        .await?;
    world.kill().await?;
    world.start().await?;
    distilled(&world).await?;
    let known = insight(&world, &key, "C-1").await?;
    ensure!(known["version"] == 1 && known["processing_status"] == "completed", "{known}");
    ensure!(known["record_count"] == 3 && model.count(Asked::Insights) == 2, "{known}");
    Ok(())
}

async fn what_the_database_refuses_has_failed(world: World) -> Result<()> {
    world.allow_warning("no insight was drawn from a conversation");
    let key = desk(&world).await?;
    world.execute("alter table insight_unindexed add constraint full_up check (false) not valid").await?;
    let mut ann = verified(&world, "C-1").await?;
    say_and_close(&mut ann, &SAID).await?;
    distilled(&world).await?;
    let known = insight(&world, &key, "C-1").await?;
    ensure!(known["processing_status"] == "failed" && known["version"] == 0, "{known}");
    let listed = failures(&world, &key).await?;
    ensure!(listed["by_kind"]["distillation"] == 1, "{listed}");
    Ok(())
}

async fn rows_of_a_warehouse_are_distilled_by_the_model_once(world: World) -> Result<()> {
    let (model, key) = desk_with_model(&world).await?;
    model.always(
        Asked::Insights,
        Act::object(&json!({"personal": [{"text": "Sails in Brest.", "notes": [1]}]})),
    );
    let file = world.path("export.csv");
    let rows = "contact_id,source_type,subtype,text\n\
                a,crm,call,Called on Monday; she said that she sails in Brest and so on.\n\
                a,crm,note,Nothing new.\n\
                b,crm,call,Sails too.\n";
    std::fs::write(&file, rows)?;
    let file = file.to_str().context("a path that is text")?;
    printed(&world.command(&["import", "insights", file, "--dry-run"]).await?)?;
    ensure!(model.count(Asked::Insights) == 0, "a rehearsal costs nothing");
    let said = printed(&world.command(&["import", "insights", file]).await?)?;
    ensure!(said.contains("2 contacts added"), "{said}");
    ensure!(model.count(Asked::Insights) == 2, "once a contact and source type");
    let a = insight(&world, &key, "a").await?;
    ensure!(a["insights"]["personal"] == "Sails in Brest.", "distilled, not dumped: {a}");
    ensure!(a["insights"]["business"].is_null(), "{a}");
    ensure!(a["record_count"] == 2 && a["eni_source_subtypes"] == json!(["call", "note"]), "{a}");
    let said = printed(&world.command(&["import", "insights", file]).await?)?;
    ensure!(said.contains("2 were there already") && model.count(Asked::Insights) == 2, "{said}");
    // Without an answer of the model the rules do it, and it is said.
    model.always(Asked::Insights, Act::status(401));
    let other = world.path("other.csv");
    std::fs::write(&other, "contact_id,source_type,text\nc,crm,Runs a bakery. Has two daughters.\n")?;
    let other = other.to_str().context("a path that is text")?;
    printed(&world.command(&["import", "insights", other]).await?)?;
    let c = insight(&world, &key, "c").await?;
    ensure!(
        c["insights"]["business"] == "Runs a bakery." && c["insights"]["personal"] == "Has two daughters.",
        "{c}"
    );
    let listed = failures(&world, &key).await?;
    ensure!(listed["newest"][0]["subject"] == format!("{other}:2"), "{listed}");
    ensure!(listed["newest"][0]["kind"] == "distillation", "{listed}");
    Ok(())
}
