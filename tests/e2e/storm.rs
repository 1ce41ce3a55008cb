//! Everyone comes back at once, and people come back while somebody talks: nobody is told that they recovered
//! unless they did, and the database is hardly asked.

use futures_util::future::try_join_all;
use nix::sys::signal::Signal;
use switchboard_tests::prelude::*;

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
    let people = arrive(&world, CROWD).await?;

    // Those at the head ask the database nothing, whatever they show of themselves.
    for proof in [Proof::Token, Proof::Resume] {
        let before = metric(&world, STATEMENTS).await?;
        storm(&world, &people, proof, |_| &[]).await?;
        let statements = metric(&world, STATEMENTS).await? - before;
        ensure!(statements == 0, "{CROWD} resumes at the head by {proof:?} cost {statements} statements");
    }

    // Half of them miss something meanwhile.
    miss(&world, &people[..CROWD / 2]).await?;
    let before = metric(&world, STATEMENTS).await?;
    storm(&world, &people, Proof::Resume, |at| if at < CROWD / 2 { &MISSED } else { &[] }).await?;
    let statements = metric(&world, STATEMENTS).await? - before;
    ensure!(statements <= CROWD as u64 / EACH, "{CROWD} resumes cost {statements} statements");
    Ok(())
}

/// The hard one: the new server knows nobody.
async fn a_storm_after_a_kill_finds_everyone_again(world: World) -> Result<()> {
    world.without_limits().allow_warning("the Postgres of a server that was killed still runs");
    world.start().await?;
    let people = arrive(&world, CROWD).await?;
    miss(&world, &people[..CROWD / 3]).await?;
    world.kill().await?;
    world.start().await?;
    storm(&world, &people, Proof::Resume, |at| if at < CROWD / 3 { &MISSED } else { &[] }).await?;
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
        ensure!(
            numbers.is_sorted_by(|one, next| one + 1 == *next),
            "{place}: dense and in order: {numbers:?}"
        );
        if let Some(missed) = missed {
            ensure!(opened["recovered"] == true && numbers.len() == missed, "{place}: {numbers:?}");
            ensure!(numbers.first().is_none_or(|first| *first == seq + 1), "{place}: {numbers:?}");
        } else {
            ensure!(opened["recovered"] == false, "{place}: told that it recovered");
            ensure!(opened["has_more"] == true, "{place}: there is more before a page");
            ensure!(numbers.last() == Some(&320), "{place}: the last page, not {numbers:?}");
        }
    }

    // Few, but long: more than a resume carries, whatever they are made of.
    for letter in ["x", "ü", "\u{7}"] {
        let position = visitor.position();
        for _ in 0..60 {
            visitor.send(&letter.repeat(9_999)).await?;
        }
        let mut socket = world.socket().await?;
        let params = json!({"resume": visitor.resume_secret, "position": position});
        let opened = socket.call("session.open", params).await?;
        ensure!(opened["recovered"] == false, "60 of {letter:?} are more than a resume carries");
        let bytes = opened["messages"].to_string().len();
        ensure!(bytes <= 512 * 1024, "a page of {bytes} bytes of {letter:?}");
        ensure!(bytes > 256 * 1024, "a page of only {bytes} bytes of {letter:?}");
    }
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
    let reading = try_join_all(readers.into_iter().map(|mut reader| async move {
        for _ in 0..RESUMES {
            let next = reader.head() + 1;
            reader.read_to(next).await?;
            reader.lose();
            ensure!(reader.resume().await?, "it missed little, and recovered nothing");
        }
        Ok(reader)
    }));
    let writing = async {
        // Until the last of the readers has resumed.
        loop {
            if let Err(error) = writer.send("and another thing").await {
                break error;
            }
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

/// With what somebody shows who they are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Proof {
    /// As the browser library does it while the page is open.
    Token,
    /// As it does later.
    Resume,
}

/// What some do not hear because they are away.
const MISSED: [&str; 2] = ["one", "two"];

/// People who have said a word each, and whose connections are lost.
async fn arrive(world: &World, count: usize) -> Result<Vec<Visitor>> {
    try_join_all((0..count).map(|_| async {
        let mut visitor = world.visitor().await?;
        visitor.send("hello").await?;
        visitor.lose();
        Ok(visitor)
    }))
    .await
}

/// Something is said in the conversations of some.
async fn miss(world: &World, people: &[Visitor]) -> Result<()> {
    for visitor in people {
        for content in MISSED {
            let params = json!({
                "conversation_id": visitor.conversation, "client_id": Uuid::new_v4(), "content": content,
            });
            world.rpc(Some(&visitor.token), "message.send", params).await?;
        }
    }
    Ok(())
}

/// Everyone asks to go on in the same moment, and must be given exactly what they missed.
async fn storm(
    world: &World,
    people: &[Visitor],
    proof: Proof,
    missed: impl Fn(usize) -> &'static [&'static str],
) -> Result<()> {
    let sockets = try_join_all(people.iter().map(|_| world.socket())).await?;
    // The server stands still until all of them have asked: however slow the machine is, they come at once.
    world.signal(Signal::SIGSTOP).await?;
    let asking = sockets.into_iter().zip(people).map(|(mut socket, visitor)| async move {
        let mut params = json!({"conversation_id": visitor.conversation, "position": visitor.position()});
        match proof {
            Proof::Token => params["token"] = json!(visitor.token),
            Proof::Resume => params["resume"] = json!(visitor.resume_secret),
        }
        let request = socket.request("session.open", params).await?;
        Ok::<_, anyhow::Error>((socket, request))
    });
    let asked = try_join_all(asking).await?;
    world.signal(Signal::SIGCONT).await?;
    for (at, (mut socket, request)) in asked.into_iter().enumerate() {
        let opened = socket.answer(request).await??;
        let contents: Vec<_> =
            opened["messages"].as_array().context("messages")?.iter().map(|one| &one["content"]).collect();
        let head = people[at].head() + missed(at).len() as u64;
        ensure!(opened["recovered"] == true && contents == missed(at), "{at} has {opened}");
        ensure!(opened["position"] == json!({"epoch": people[at].epoch, "seq": head}), "{at} has {opened}");
    }
    Ok(())
}
