//! Everyone comes back at once, and people come back while somebody talks: nobody is told that they recovered
//! unless they did, and the database is hardly asked.

use std::ops::Range;

use futures_util::future::try_join_all;
use switchboard_tests::prelude::*;
use tokio::sync::watch;

use crate::numbers::metric;

pub(crate) const TESTS: &[Test] = tests![
    a_storm_of_resumes_is_answered_from_few_statements,
    a_storm_after_a_kill_finds_everyone_again,
    nobody_is_told_that_they_recovered_when_they_did_not,
    a_hundred_resumes_in_the_middle_of_a_busy_writer,
];

const STATEMENTS: &str = "switchboard_resume_statements_total";
/// Sockets of a storm here; the load tester's has ten thousand.
const CROWD: usize = 300;
/// Resumes that one statement must serve, at the least.
const EACH: u64 = 50;

async fn a_storm_of_resumes_is_answered_from_few_statements(world: World) -> Result<()> {
    world.without_limits();
    world.start().await?;
    let mut people = arrive(&world, CROWD).await?;

    // Those at the head ask the database nothing.
    let before = metric(&world, STATEMENTS).await?;
    storm(&mut people).await?;
    ensure!(metric(&world, STATEMENTS).await? == before, "a resume at the head cost a statement");

    // Half of them miss something meanwhile.
    people.iter_mut().for_each(Visitor::lose);
    miss(&world, &people, 0..CROWD / 2).await?;
    let before = metric(&world, STATEMENTS).await?;
    storm(&mut people).await?;
    let statements = metric(&world, STATEMENTS).await? - before;
    ensure!(statements <= CROWD as u64 / EACH, "{CROWD} resumes cost {statements} statements");
    for (at, visitor) in people.iter().enumerate() {
        let due: &[&str] = if at < CROWD / 2 { &["hello", "one", "two"] } else { &["hello"] };
        ensure!(visitor.said() == due, "{at} has {:?}", visitor.said());
    }
    Ok(())
}

/// The hard one: the new server knows nobody.
async fn a_storm_after_a_kill_finds_everyone_again(world: World) -> Result<()> {
    world.without_limits().allow_warning("the Postgres of a server that was killed still runs");
    world.start().await?;
    let mut people = arrive(&world, CROWD).await?;
    people.iter_mut().for_each(Visitor::lose);
    miss(&world, &people, 0..CROWD / 3).await?;
    world.kill().await?;
    world.start().await?;
    storm(&mut people).await?;
    for (at, visitor) in people.iter().enumerate() {
        let due: &[&str] = if at < CROWD / 3 { &["hello", "one", "two"] } else { &["hello"] };
        ensure!(visitor.said() == due, "{at} has {:?}", visitor.said());
    }
    // Who they are, what they opened, and what they missed: three questions, each asked for many at once.
    let statements = metric(&world, STATEMENTS).await?;
    ensure!(statements <= 3 * CROWD as u64 / EACH, "{CROWD} resumes cost {statements} statements");
    Ok(())
}

async fn nobody_is_told_that_they_recovered_when_they_did_not(world: World) -> Result<()> {
    world.without_limits();
    world.start().await?;
    let mut visitor = world.visitor().await?;
    for number in 1..=320 {
        visitor.send(&format!("number {number}")).await?;
    }
    let epoch = visitor.epoch.clone();
    let cases = [
        ("at the head", epoch.clone(), 320, Some(0)),
        ("one behind", epoch.clone(), 319, Some(1)),
        ("as far behind as a resume goes", epoch.clone(), 20, Some(300)),
        ("one further", epoch.clone(), 19, None),
        ("at the beginning", epoch.clone(), 0, None),
        ("ahead of the log", epoch.clone(), 321, None),
        ("of another epoch", "somebody else's".to_owned(), 320, None),
    ];
    for (place, epoch, seq, missed) in cases {
        let mut socket = world.socket().await?;
        let position = json!({"epoch": epoch, "seq": seq});
        let params = json!({"resume": visitor.resume_secret, "position": position});
        let opened = socket.call("session.open", params).await?;
        let numbers: Vec<u64> = opened["messages"]
            .as_array()
            .context("messages")?
            .iter()
            .filter_map(|message| message["seq"].as_u64())
            .collect();
        ensure!(opened["position"] == json!({"epoch": visitor.epoch, "seq": 320}), "{place}: {opened}");
        ensure!(numbers.is_sorted_by(|one, next| one + 1 == *next), "{place}: dense and in order: {numbers:?}");
        match missed {
            Some(missed) => {
                ensure!(opened["recovered"] == true && numbers.len() == missed, "{place}: {numbers:?}");
                ensure!(numbers.first().is_none_or(|first| *first == seq + 1), "{place}: {numbers:?}");
            }
            None => {
                ensure!(opened["recovered"] == false, "{place}: told that it recovered");
                ensure!(opened["has_more"] == true, "{place}: there is more before a page");
                ensure!(numbers.last() == Some(&320), "{place}: the last page, not {numbers:?}");
            }
        }
    }

    // Few, but long: more than a resume carries, whatever they are made of.
    let position = visitor.position();
    for letter in ["x", "\u{7}", "ü"] {
        for _ in 0..20 {
            visitor.send(&letter.repeat(9_999)).await?;
        }
    }
    let mut socket = world.socket().await?;
    let opened =
        socket.call("session.open", json!({"resume": visitor.resume_secret, "position": position})).await?;
    ensure!(opened["recovered"] == false, "a page of {} bytes", opened["messages"].to_string().len());
    ensure!(opened["messages"].to_string().len() <= 512 * 1024, "a page has 512 KiB at most");
    Ok(())
}

async fn a_hundred_resumes_in_the_middle_of_a_busy_writer(world: World) -> Result<()> {
    const READERS: usize = 5;
    const RESUMES: usize = 20;
    world.without_limits();
    world.start().await?;
    let mut writer = world.visitor().await?;
    writer.send("here we go").await?;
    let mut readers = Vec::new();
    for _ in 0..READERS {
        readers.push(writer.tab().await?);
    }
    let (written, head) = watch::channel(1);
    let reading = try_join_all(readers.into_iter().map(|mut reader| {
        let head = head.clone();
        async move {
            for _ in 0..RESUMES {
                let so_far = *head.borrow();
                reader.read_to(so_far).await?;
                reader.lose();
                ensure!(reader.resume().await?, "it missed little, and recovered nothing");
            }
            Ok(reader)
        }
    }));
    let writing = async {
        // Until the last of the readers has resumed.
        loop {
            match writer.send("and another thing").await {
                Ok(acknowledged) => written.send_replace(acknowledged.seq),
                Err(error) => break error,
            };
        }
    };
    let mut readers = tokio::select! {
        read = reading => read?,
        failed = writing => return Err(failed),
    };
    // The last send may have been cut off by the end of the readers: it is in the log or not, once.
    let stored = world.stored_messages(&writer.conversation).await?;
    ensure!(stored.len() > RESUMES, "the writer was busy: {} messages", stored.len());
    for reader in &mut readers {
        reader.read_to(stored.len() as u64).await?;
        let same = reader.transcript().iter().zip(&stored).all(|(seen, stored)| seen["id"] == stored["id"]);
        ensure!(same && reader.transcript().len() == stored.len(), "each message once, from first to last");
    }
    Ok(())
}

/// People who have said a word each.
async fn arrive(world: &World, count: usize) -> Result<Vec<Visitor>> {
    try_join_all((0..count).map(|_| async {
        let mut visitor = world.visitor().await?;
        visitor.send("hello").await?;
        Ok(visitor)
    }))
    .await
}

/// All connections are lost at once, and everyone is back at once.
async fn storm(people: &mut [Visitor]) -> Result<()> {
    people.iter_mut().for_each(Visitor::lose);
    try_join_all(people.iter_mut().map(|visitor| async move {
        ensure!(visitor.resume().await?, "whoever missed two messages recovers them");
        Ok(())
    }))
    .await?;
    Ok(())
}

/// Something is said in the conversations of some, from elsewhere.
async fn miss(world: &World, people: &[Visitor], who: Range<usize>) -> Result<()> {
    try_join_all(people[who].iter().map(|visitor| async move {
        for content in ["one", "two"] {
            let params = json!({
                "conversation_id": visitor.conversation, "client_id": Uuid::new_v4(), "content": content,
            });
            world.rpc(Some(&visitor.token), "message.send", params).await?;
        }
        Ok::<_, anyhow::Error>(())
    }))
    .await?;
    Ok(())
}
