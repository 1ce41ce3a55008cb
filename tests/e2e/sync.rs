//! Insights synced to Airtable: each contact there once, whatever happens on the way, and never faster than it allows.

mod sinks;

use switchboard_tests::fake_airtable::{Act, FakeAirtable};
use switchboard_tests::machine;
use switchboard_tests::prelude::*;

use crate::commands::add_key;
use crate::http::refused;

pub(crate) const TESTS: &[Test] = tests![
    contacts_are_rows_that_are_found_again,
    every_contact_is_there_once_whatever_goes_wrong,
    a_contact_that_is_refused_is_named_and_the_others_are_there,
    where_every_contact_is_refused_it_stops,
    what_changes_meanwhile_is_part_of_it,
    one_contact_does_not_wait_for_all,
    only_what_was_updated_in_those_hours_is_sent,
    a_dry_run_sends_nothing,
    what_somebody_has_to_mend_stops_it_and_it_goes_on_where_it_was,
    the_schedule_leaves_no_gap,
];
pub(crate) use sinks::TESTS as SINKS;

/// A server that syncs here, and the key of a service.
async fn desk(world: &World, airtable: &FakeAirtable) -> Result<String> {
    for (name, value) in airtable.variables() {
        world.with_variable(name, &value);
    }
    world.with_variable("SWITCHBOARD_AIRTABLE_PAUSE_SECONDS", "1");
    world.without_limits().start().await?;
    add_key(world, "crm", "service", "default").await
}

/// Brings in contacts with these numbers, each with a note of its own.
async fn know(world: &World, key: &str, numbers: std::ops::Range<usize>, note: &str) -> Result<()> {
    let insights: Vec<_> = numbers
        .map(|n| json!({"contact_id": format!("C-{n:05}"), "insights": {"personal": format!("{note} {n}")}}))
        .collect();
    for part in insights.chunks(1_000) {
        let answer = world.rpc(Some(key), "insight.batch_upsert", json!({"insights": part})).await?;
        ensure!(answer["failed"] == json!([]), "{answer}");
    }
    Ok(())
}

/// Asks for a sync; the id of the job.
async fn ask(world: &World, key: &str, params: Value) -> Result<String> {
    let answer = world.rpc(Some(key), "insight.sync", params).await?;
    Ok(answer["job_id"].as_str().context("an id")?.to_owned())
}

async fn standing(world: &World, key: &str, job: &str) -> Result<Value> {
    world.rpc(Some(key), "insight.sync_status", json!({"job_id": job})).await
}

/// How the job came out.
async fn ended(world: &World, key: &str, job: &str) -> Result<Value> {
    eventually("the sync to end", async || {
        let standing = standing(world, key, job).await?;
        Ok((standing["done"] == true).then_some(standing))
    })
    .await
}

async fn contacts_are_rows_that_are_found_again(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let file = world.path("desk.toml");
    std::fs::write(
        &file,
        "[airtable.fields]\ncontact_id = \"Contact\"\nmember_name = \"Name, in full\"\npersonal = \"Notes\"\n\
         deals = \"Deals\"\neni_source_types = \"Sources\"\nrecord_count = \"Records\"\nbusiness = \"Business\"",
    )?;
    world.with_variable("SWITCHBOARD_CONFIG", &file.display().to_string());
    let key = desk(&world, &airtable).await?;
    airtable.columns(&["Contact", "Name, in full", "Notes", "Deals", "Sources", "Records", "Business"]);
    let ann = json!({"contact_id": "ann", "member_name": "Ann Lee", "eni_source_types": ["crm", "call"],
        "record_count": 3, "insights": {"personal": "Sails.", "deals": {"series": "A"}}});
    world.rpc(Some(&key), "insight.upsert", json!({"insight": ann})).await?;
    let job = ask(&world, &key, json!({"contact_id": "ann"})).await?;
    let expected = json!({"job_id": job, "sink": "airtable", "dry_run": false, "processed": 1, "created": 1, "updated": 0,
        "failed": [], "failed_total": 0, "success_rate": 1.0, "done": true, "error": null});
    ensure!(ended(&world, &key, &job).await? == expected);
    let row = json!({"Contact": "ann", "Name, in full": "Ann Lee", "Notes": "Sails.", "Deals": "{\"series\":\"A\"}",
        "Sources": "crm, call", "Records": 3, "Business": null});
    ensure!(airtable.rows() == [row.as_object().cloned().context("a row")?], "{:?}", airtable.rows());

    let more = json!({"contact_id": "ann", "record_count": 1, "insights": {"personal": "Sails no more."}});
    world.rpc(Some(&key), "insight.upsert", json!({"insight": more})).await?;
    know(&world, &key, 0..2, "new").await?;
    let job = ask(&world, &key, json!({"all": true})).await?;
    let all = ended(&world, &key, &job).await?;
    ensure!(all["processed"] == 3 && all["created"] == 2 && all["updated"] == 1, "{all}");
    let rows = airtable.rows();
    ensure!(rows.len() == 3 && rows[0]["Notes"] == "Sails no more." && rows[0]["Records"] == 4, "{rows:?}");

    for call in airtable.calls() {
        ensure!(call.body["performUpsert"] == json!({"fieldsToMergeOn": ["Contact"]}), "{}", call.body);
        ensure!(call.body["typecast"] == true, "{}", call.body);
    }
    let (log, metrics) = (world.log()?, world.get("/metrics").await?.text().await?);
    ensure!(!log.contains(airtable.token()) && !log.contains("Sails"), "the log tells too much");
    ensure!(metrics.contains("switchboard_sync_contacts_total 4"), "{metrics}");
    for (params, kind) in [
        (json!({"contact_id": "nobody"}), "not_found"),
        (json!({}), "invalid_params"),
        (json!({"all": true, "sink": "webhook"}), "conflict"),
    ] {
        let refusal = refused(&world, Some(&key), "insight.sync", params.clone()).await?;
        ensure!(refusal.kind == kind, "{params}: {refusal}");
    }
    let nobody = json!({"job_id": Uuid::new_v4()});
    ensure!(refused(&world, Some(&key), "insight.sync_status", nobody).await?.kind == "not_found");
    Ok(())
}

/// The number of contacts of the test below. `SWITCHBOARD_TEST_SYNC=10000 SWITCHBOARD_TEST_LIMIT=900` is a long run, for 50
/// contacts take a second.
fn contacts() -> Result<usize> {
    Ok(machine::setting("SWITCHBOARD_TEST_SYNC").map_or(Ok(300), |text| text.parse())?)
}

/// Waits until a job has processed so many contacts or has ended, as long as it goes on.
async fn processed(world: &World, key: &str, job: &str, count: usize) -> Result<Value> {
    let mut before = -1;
    loop {
        let standing = eventually("the sync to go on", async || {
            // A server that was frozen for a while has closed what it thought idle.
            let Ok(standing) = standing(world, key, job).await else { return Ok(None) };
            let goes_on = standing["done"] == true || standing["processed"].as_i64() > Some(before);
            Ok(goes_on.then_some(standing))
        })
        .await?;
        before = standing["processed"].as_i64().context("a number")?;
        if standing["done"] == true || before >= i64::try_from(count)? {
            return Ok(standing);
        }
    }
}

async fn every_contact_is_there_once_whatever_goes_wrong(world: World) -> Result<()> {
    world.allow_warning("the Postgres of a server that was killed still runs");
    let airtable = FakeAirtable::start().await?;
    let (key, count) = (desk(&world, &airtable).await?, contacts()?);
    know(&world, &key, 0..count, "note").await?;
    let seed = rand::random();
    airtable.misbehave(0.15, seed);
    let job = ask(&world, &key, json!({"all": true})).await?;
    processed(&world, &key, &job, count / 3).await?;
    // Dies when Airtable has taken what is not recorded yet; later it is told to stop in the middle.
    world.arm("sync.sent").await?;
    world.ended().await?;
    world.start().await?;
    let halfway = processed(&world, &key, &job, count / 2).await?;
    ensure!(halfway["done"] == false, "seed {seed}: {halfway}");
    world.restart().await?;
    let end = processed(&world, &key, &job, count + 1).await?;
    let figures = json!([end["processed"], end["failed_total"], end["success_rate"], end["error"]]);
    ensure!(figures == json!([count, 0, 1.0, null]), "seed {seed}: {end}");

    let note = |row: &serde_json::Map<String, Value>| json!([row["contact_id"], row["personal"]]);
    let mut rows: Vec<_> = airtable.rows().iter().map(note).collect();
    rows.sort_by_key(Value::to_string);
    let expected: Vec<_> = (0..count).map(|n| json!([format!("C-{n:05}"), format!("note {n}")])).collect();
    ensure!(rows == expected, "seed {seed}: {} rows", rows.len());
    let (most, calls) = (airtable.most_in_a_second(), airtable.calls());
    ensure!(most <= 5, "seed {seed}: {most} of {} requests came within a second", calls.len());
    // It went on where it was: besides what went wrong, only what was under way came twice.
    let (parcels, well) = (count.div_ceil(10), calls.iter().filter(|call| call.status == Some(200)).count());
    ensure!(well <= parcels + 8, "seed {seed}: {well} requests for {parcels} parcels");
    if count > 300 {
        println!("{count} contacts: {} requests, {well} answered well; most in a second {most}", calls.len());
    }
    Ok(())
}

async fn a_contact_that_is_refused_is_named_and_the_others_are_there(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..25, "note").await?;
    airtable.poison("C-00003");
    airtable.poison("C-00017");
    let job = ask(&world, &key, json!({"all": true})).await?;
    let end = ended(&world, &key, &job).await?;
    ensure!(end["processed"] == 25 && end["created"] == 23 && end["failed_total"] == 2, "{end}");
    ensure!(end["success_rate"] == 0.92 && end["error"].is_null(), "{end}");
    let failed = end["failed"].as_array().context("the failed ones")?;
    let mut named: Vec<_> = failed.iter().filter_map(|failure| failure["contact_id"].as_str()).collect();
    named.sort_unstable();
    ensure!(named == ["C-00003", "C-00017"], "{end}");
    ensure!(failed[0]["reason"].as_str().is_some_and(|it| it.contains("cannot accept")), "{end}");
    ensure!(airtable.rows().len() == 23);
    // Among all that could not be processed, until it could be.
    let listed = async || {
        Ok::<_, anyhow::Error>(world.rpc(Some(&key), "insight.stats", json!({})).await?["failures"].take())
    };
    ensure!(listed().await?["by_kind"]["sync"] == 2);
    airtable.cure("C-00003");
    let job = ask(&world, &key, json!({"contact_id": "C-00003"})).await?;
    ended(&world, &key, &job).await?;
    let left = listed().await?;
    ensure!(left["by_kind"]["sync"] == 1 && left["newest"][0]["subject"] == "C-00017", "{left}");
    Ok(())
}

async fn where_every_contact_is_refused_it_stops(world: World) -> Result<()> {
    world.allow_warning("a sync has stopped");
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..30, "note").await?;
    for contact in 0..30 {
        airtable.poison(&format!("C-{contact:05}"));
    }
    let job = ask(&world, &key, json!({"all": true})).await?;
    let end = ended(&world, &key, &job).await?;
    let error = end["error"].as_str().context("why it stopped")?;
    ensure!(error.contains("each of the first 20") && error.contains("cannot accept"), "{error}");
    ensure!(end["processed"] == 20 && end["failed_total"] == 20 && end["success_rate"] == 0.0, "{end}");
    Ok(())
}

async fn what_changes_meanwhile_is_part_of_it(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 100..240, "old").await?;
    let job = ask(&world, &key, json!({"all": true})).await?;
    airtable.heard(6).await?;
    // Behind it, before it, and new on both sides; then it is asked for again, and means the same job.
    know(&world, &key, 100..101, "changed").await?;
    know(&world, &key, 239..240, "changed").await?;
    know(&world, &key, 0..1, "fresh").await?;
    know(&world, &key, 300..301, "fresh").await?;
    ensure!(ask(&world, &key, json!({"all": true})).await? == job);
    let end = ended(&world, &key, &job).await?;
    let rows = airtable.rows();
    let note = |contact: &str| {
        let row = rows.iter().find(|row| row["contact_id"] == contact);
        row.map(|row| row["personal"].clone()).unwrap_or_default()
    };
    ensure!(rows.len() == 142 && end["failed_total"] == 0, "{end}");
    for (contact, expected) in [
        ("C-00100", "changed 100"),
        ("C-00239", "changed 239"),
        ("C-00000", "fresh 0"),
        ("C-00300", "fresh 300"),
        ("C-00150", "old 150"),
    ] {
        ensure!(note(contact) == expected, "{contact}: {}", note(contact));
    }
    ensure!(ask(&world, &key, json!({"all": true})).await? != job, "what is done is done");
    Ok(())
}

async fn one_contact_does_not_wait_for_all(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..600, "note").await?;
    let all = ask(&world, &key, json!({"all": true})).await?;
    airtable.heard(1).await?;
    let one = ask(&world, &key, json!({"contact_id": "C-00599"})).await?;
    ensure!(ended(&world, &key, &one).await?["processed"] == 1);
    let meanwhile = standing(&world, &key, &all).await?;
    ensure!(meanwhile["done"] == false, "{meanwhile}");
    let end = ended(&world, &key, &all).await?;
    ensure!(end["processed"] == 600 && end["created"] == 599, "{end}");
    ensure!(airtable.rows().len() == 600 && airtable.most_in_a_second() <= 5);
    Ok(())
}

async fn only_what_was_updated_in_those_hours_is_sent(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..5, "note").await?;
    world
        .execute(
            "update structured_insights set updated_at = updated_at - interval '3 hours' where contact_id < 'C-00003'",
        )
        .await?;
    for (hours, count) in [(2, 2), (4, 5)] {
        let job = ask(&world, &key, json!({"hours_back": hours})).await?;
        let end = ended(&world, &key, &job).await?;
        ensure!(end["processed"] == count, "{hours} hours: {end}");
    }
    Ok(())
}

async fn a_dry_run_sends_nothing(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..300, "note").await?;
    let job = ask(&world, &key, json!({"all": true, "dry_run": true})).await?;
    let end = ended(&world, &key, &job).await?;
    ensure!(end["dry_run"] == true && end["processed"] == 300 && end["created"] == 0, "{end}");
    let job = ask(&world, &key, json!({"contact_id": "C-00007", "dry_run": true})).await?;
    ensure!(ended(&world, &key, &job).await?["processed"] == 1);
    ensure!(airtable.calls().is_empty());
    Ok(())
}

async fn what_somebody_has_to_mend_stops_it_and_it_goes_on_where_it_was(world: World) -> Result<()> {
    world.allow_warning("a sync has stopped");
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..200, "note").await?;
    let job = ask(&world, &key, json!({"all": true})).await?;
    processed(&world, &key, &job, 10).await?;
    airtable.forget_the_token(true);
    let stopped = ended(&world, &key, &job).await?;
    let error = stopped["error"].as_str().context("why it stopped")?;
    ensure!(error.contains("SWITCHBOARD_AIRTABLE_TOKEN") && !error.contains(airtable.token()), "{error}");
    let sent = stopped["processed"].as_i64().context("a number")?;
    ensure!((10..200).contains(&sent), "{stopped}");
    airtable.forget_the_token(false);
    ensure!(ask(&world, &key, json!({"all": true})).await? == job);
    let end = ended(&world, &key, &job).await?;
    ensure!(end["error"].is_null() && airtable.rows().len() == 200, "{end}");

    for (act, said) in [
        (Act::Status(403), "airtable_base"),
        (Act::Status(404), "no such base or table"),
        (Act::Status(302), "redirects are not followed"),
        (Act::UsedUp, "in a month is used up"),
    ] {
        airtable.next(act);
        let job = ask(&world, &key, json!({"contact_id": "C-00001"})).await?;
        let error = ended(&world, &key, &job).await?["error"].take();
        ensure!(error.as_str().is_some_and(|error| error.contains(said)), "{act:?}: {error}");
    }
    airtable.columns(&["contact_id", "personal"]);
    let job = ask(&world, &key, json!({"contact_id": "C-00001"})).await?;
    let stopped = ended(&world, &key, &job).await?;
    let error = stopped["error"].as_str().context("why it stopped")?;
    ensure!(error.contains("Unknown field name") && error.contains("airtable_fields"), "{error}");
    ensure!(stopped["failed_total"] == 0, "it is not the contact's fault: {stopped}");
    Ok(())
}

async fn the_schedule_leaves_no_gap(world: World) -> Result<()> {
    let airtable = FakeAirtable::start().await?;
    let key = desk(&world, &airtable).await?;
    know(&world, &key, 0..3, "note").await?;
    world.with_variable("SWITCHBOARD_SYNC_MINUTES", "60").with_variable("SWITCHBOARD_SYNC_HOURS_BACK", "2");
    // What was written since the last one is part of the next, also if that was long ago.
    world.execute("update structured_insights set updated_at = updated_at - interval '5 hours'").await?;
    world.restart().await?;
    let done = async |count: u64| {
        eventually("the schedule", async || {
            let sql = "select count(*) from sync_jobs where scope = 'schedule' and state = 'done'";
            Ok((world.value(sql).await? == count).then_some(()))
        })
        .await
    };
    done(1).await?;
    ensure!(airtable.calls().is_empty(), "nothing was written in the last two hours");
    world.execute("update sync_jobs set asked_at = asked_at - interval '6 hours'").await?;
    world.restart().await?;
    done(2).await?;
    ensure!(airtable.rows().len() == 3);
    world.restart().await?;
    let open = world.value("select count(*) from sync_jobs").await?;
    ensure!(open == 2, "it is not due: {open}");
    Ok(())
}
