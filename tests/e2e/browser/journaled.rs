//! A server that keeps messages in its journal, as a visitor sees it.

use nix::sys::signal::Signal;
use switchboard_tests::prelude::*;

use super::Shop;
use crate::journal::with_journal;

pub(super) async fn what_the_journal_keeps_is_shown_as_sent_and_stays_in_the_outbox(
    world: World,
) -> Result<()> {
    let mut postgres = with_journal(&world, "").await?;
    let shop = Shop::of(&world).await?;
    shop.open().await?;
    shop.say("before").await?;
    shop.shows_said(&["before"]).await?;
    postgres.stop(Signal::SIGINT).await?;
    shop.say("while it is away").await?;
    shop.until("chat.desk.pending[0]?.journaled").await?;
    shop.shows_said(&["before", "while it is away"]).await?;
    shop.until("[...root.querySelectorAll('.out .meta')].at(-1).textContent.includes('Sent')").await?;
    ensure!(shop.ask("return chat.desk.messages.length").await? == 1, "it has no number yet");
    postgres.run().await?;
    shop.until("chat.desk.messages.length === 2 && !chat.desk.pending.length").await?;
    shop.shows_said(&["before", "while it is away"]).await?;
    ensure!(postgres.rows("select seq from messages").await?.len() == 2);
    shop.close().await?;
    world.stop().await?;
    drop(postgres);
    Ok(())
}
