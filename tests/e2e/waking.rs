//! Sessions sleep when nothing happens, and wake exactly once, however many knock.

use futures_util::future::try_join_all;
use switchboard_tests::prelude::*;

use crate::numbers::{metric, reaches};

pub(crate) const TESTS: &[Test] =
    tests![fifty_who_knock_at_once_wake_one_session, a_session_sleeps_and_nobody_misses_a_word,];

async fn fifty_who_knock_at_once_wake_one_session(world: World) -> Result<()> {
    const TABS: usize = 50;
    world.without_limits();
    world.start().await?;
    let mut owner = world.visitor().await?;
    owner.send("hello").await?;
    let (resume, conversation) = (owner.resume_secret.clone(), owner.conversation.clone());
    drop(owner);
    // The new server knows neither the visitor nor the conversation.
    world.restart().await?;
    let herd = (0..TABS).map(|number| {
        let params = json!({"resume": resume, "conversation_id": conversation});
        let address = world.address();
        async move {
            let mut tab = Visitor::open(address, params).await?;
            tab.send(&format!("from tab {number}")).await?;
            Ok::<_, anyhow::Error>(tab)
        }
    });
    let mut tabs = try_join_all(herd).await?;
    let stored = world.stored_messages(&conversation).await?;
    ensure!(stored.len() == TABS + 1, "{} are stored", stored.len());
    ensure!(metric(&world, "switchboard_sessions_live").await? == 1, "one session");
    for (number, tab) in tabs.iter_mut().enumerate() {
        tab.read_to(stored.len() as u64).await?;
        let due = stored.iter().map(|message| message["content"].as_str().unwrap_or_default());
        // One who came late has the beginning as a page, and the rest as it was told.
        ensure!(tab.said().into_iter().eq(due), "tab {number} saw {:?}", tab.said());
    }
    Ok(())
}

async fn a_session_sleeps_and_nobody_misses_a_word(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let client_id = Uuid::new_v4();
    let first = visitor.send_as(client_id, "one").await?;
    let mut contents = vec!["one".to_owned()];
    for number in 2..=8 {
        contents.push(format!("number {number}"));
        visitor.send(&contents[number - 1]).await?;
    }
    let mut tab = visitor.tab().await?;
    ensure!(metric(&world, "switchboard_sessions_live").await? == 1);
    reaches(&world, "switchboard_sessions_live", 0).await?;

    // The next word wakes it, and finds everyone who was there.
    let acknowledged = visitor.send("good morning").await?;
    ensure!(acknowledged.seq == 9, "{acknowledged:?}");
    ensure!(tab.next_message().await?["content"] == "good morning");
    ensure!(metric(&world, "switchboard_sessions_live").await? == 1);
    // It has forgotten most client ids meanwhile, and is not deceived.
    let repeat = visitor.send_as(client_id, "one").await?;
    ensure!(repeat.duplicate && repeat.seq == 1 && repeat.id == first.id, "{repeat:?}");
    ensure!(tab.send("and to you").await?.seq == 10);
    visitor.read_to(10).await?;
    contents.extend(["good morning".to_owned(), "and to you".to_owned()]);
    ensure!(visitor.said() == contents && tab.said() == contents);
    Ok(())
}
