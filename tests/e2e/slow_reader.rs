//! Clients that stop reading: they cost bounded memory, are told why they were sent away, and find everything
//! again; nobody else notices.

use std::collections::VecDeque;

use futures_util::future::try_join_all;
use switchboard_tests::prelude::*;

use crate::numbers::climbs_to;

pub(crate) const TESTS: &[Test] = tests![
    one_who_stops_reading_is_closed_and_recovers_all,
    one_who_asks_and_does_not_read_is_not_read_either,
];

/// Of the kernel, for the client: what fits there is not felt by the server.
const RECEIVE_BUFFER: u32 = 4 * 1024;
/// Characters of a message, which here are bytes.
const LONG: usize = 8_000;
/// Of a busy conversation: 32 MB.
const MESSAGES: u64 = 4_000;

async fn one_who_stops_reading_is_closed_and_recovers_all(world: World) -> Result<()> {
    world.without_limits();
    world.start().await?;
    let mut writer = world.visitor().await?;
    writer.send("here we go").await?;
    let mut reader = writer.tab().await?;
    // What the conversation itself takes is taken before.
    let head = 1 + MESSAGES / 4;
    tokio::try_join!(say(&mut writer, MESSAGES / 4), reader.read_to(head))?;
    let mut slow = slow_tab(&world, &writer).await?;
    let before = world.memory().await?;

    // Far more than the kernel and the server together keep for one who does not read.
    let head = head + MESSAGES;
    tokio::try_join!(say(&mut writer, MESSAGES), reader.read_to(head))?;
    let grown = world.memory().await?.saturating_sub(before);
    ensure!(grown < bound(&world), "the server grew by {} MiB", grown >> 20);

    // It reads again: what it is told is in order as far as it goes, and then why it was closed.
    let closed = loop {
        match slow.next_message().await {
            Ok(_) => {}
            Err(error) => break error.downcast::<switchboard_tests::socket::Closed>()?,
        }
    };
    ensure!(closed.code == 4001, "{closed}");
    ensure!(slow.head() < head, "it was behind");

    // On return it is told that this is no recovery, and reads what it missed from the pages.
    let mut here = slow.head();
    slow.lose();
    ensure!(!slow.resume().await?, "it missed {}", head - here);
    let mut missed = Vec::new();
    while here < head {
        let params = json!({"conversation_id": writer.conversation, "after_seq": here, "limit": 200});
        let page = slow.socket()?.call("message.list", params).await?;
        for message in page["messages"].as_array().context("a page of messages")? {
            ensure!(message["seq"] == here + 1, "{here} is followed by {}", message["seq"]);
            here += 1;
            missed.push(message["id"].clone());
        }
    }
    let stored = world.stored_messages(&writer.conversation).await?;
    let due = stored[stored.len() - missed.len()..].iter().map(|message| &message["id"]);
    ensure!(due.eq(&missed), "what it missed is what is stored");
    ensure!(reader.transcript().len() == stored.len(), "the other reader noticed nothing");
    Ok(())
}

/// Answers never count as a slow consumer's overflow: the server stops listening to whoever does not take them.
async fn one_who_asks_and_does_not_read_is_not_read_either(world: World) -> Result<()> {
    const ASKERS: usize = 8;
    const QUESTIONS: usize = 60;
    world.without_limits();
    world.start().await?;
    let mut writer = world.visitor().await?;
    say(&mut writer, 60).await?;
    let mut askers = try_join_all((0..ASKERS).map(|_| slow_tab(&world, &writer))).await?;
    let before = world.memory().await?;
    let asked = r#"switchboard_requests_total{method="message.list"}"#;
    let mut requests = Vec::new();
    for asker in &mut askers {
        let mut of_this = Vec::new();
        for _ in 0..QUESTIONS {
            let params = json!({"conversation_id": writer.conversation, "limit": 200});
            of_this.push(asker.socket()?.request("message.list", params).await?);
        }
        requests.push(of_this);
    }
    // All answers together have some 240 MB.
    climbs_to(&world, asked, 3 * ASKERS as u64).await?;
    say(&mut writer, 1).await?;
    let grown = world.memory().await?.saturating_sub(before);
    // For each: what waits for it, what is being made for it, and what is on the way.
    ensure!(grown < 4 * bound(&world), "the server grew by {} MiB", grown >> 20);
    for (asker, requests) in askers.iter_mut().zip(requests) {
        for request in requests {
            let page = asker.socket()?.answer(request).await?.context("each is answered")?;
            ensure!(page["messages"].as_array().is_some_and(|messages| messages.len() >= 50), "{page}");
        }
        asker.read_to(61).await?;
    }
    Ok(())
}

/// Says so many long things, some of them always on the way.
async fn say(writer: &mut Visitor, count: u64) -> Result<()> {
    const WINDOW: usize = 12;
    let conversation = writer.conversation.clone();
    let socket = writer.socket()?;
    let mut requests = VecDeque::new();
    for _ in 0..count {
        let content = "x".repeat(LONG);
        let params =
            json!({"conversation_id": conversation, "client_id": Uuid::new_v4(), "content": content});
        requests.push_back(socket.request("message.send", params).await?);
        if requests.len() == WINDOW
            && let Some(request) = requests.pop_front()
        {
            socket.answer(request).await??;
        }
    }
    for request in requests {
        socket.answer(request).await??;
    }
    Ok(())
}

/// Bytes by which the server may grow, where nothing that it was asked to keep accounts for it.
fn bound(world: &World) -> u64 {
    match world.lane() {
        Lane::Local => 12 << 20,
        // Its database is in the same process.
        Lane::Embedded => 24 << 20,
    }
}

/// The writer's conversation in a tab whose kernel keeps little for it.
async fn slow_tab(world: &World, writer: &Visitor) -> Result<Visitor> {
    let upgrade = Upgrade { receive_buffer: Some(RECEIVE_BUFFER), ..Upgrade::default() };
    let mut socket = Socket::connect(world.address(), upgrade).await?;
    let params = json!({"resume": writer.resume_secret, "conversation_id": writer.conversation});
    let opened = socket.call("session.open", params).await?;
    Visitor::on(world.address(), socket, &opened)
}
