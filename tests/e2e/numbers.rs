//! The numbers of `/metrics`, read as a monitoring system reads them.

use switchboard_tests::prelude::*;

pub(crate) const TESTS: &[Test] = tests![the_numbers_follow_what_happens];

async fn the_numbers_follow_what_happens(world: World) -> Result<()> {
    world.start().await?;
    ensure!(metric(&world, "switchboard_connections").await? == 0);
    ensure!(metric(&world, "switchboard_messages_committed_total").await? == 0);

    let mut visitor = world.visitor().await?;
    let tab = world.visitor().await?;
    visitor.send("one").await?;
    visitor.send("two").await?;
    ensure!(metric(&world, "switchboard_connections").await? == 2);
    ensure!(metric(&world, "switchboard_messages_committed_total").await? == 2);
    ensure!(metric(&world, "switchboard_sessions_live").await? == 1, "only one of them said something");
    ensure!(metric(&world, r#"switchboard_requests_total{method="message.send"}"#).await? == 2);
    ensure!(metric(&world, "switchboard_commit_seconds_count").await? >= 1);

    drop(tab);
    reaches(&world, "switchboard_connections", 1).await?;
    // What is shown to a monitoring system names no conversation and nobody.
    let text = world.get("/metrics").await?.text().await?;
    ensure!(!text.contains(&visitor.conversation), "a conversation is named in:\n{text}");
    Ok(())
}

/// The number of this name, over all labels where none are given. One that nothing has happened to is 0.
pub(crate) async fn metric(world: &World, name: &str) -> Result<u64> {
    let response = world.get("/metrics").await?;
    ensure!(response.status() == 200, "/metrics answered {}", response.status());
    let text = response.text().await?;
    let numbers = text.lines().filter_map(|line| {
        let (series, number) = line.rsplit_once(' ')?;
        let is_it = series == name || series.strip_prefix(name).is_some_and(|rest| rest.starts_with('{'));
        is_it.then(|| number.parse::<f64>().with_context(|| format!("no number: {line}")))
    });
    let sum = numbers.collect::<Result<Vec<_>>>()?.into_iter().fold(0.0, |sum, number| sum + number);
    Ok(format!("{sum:.0}").parse()?)
}

/// Waits until the number is this.
pub(crate) async fn reaches(world: &World, name: &str, number: u64) -> Result<()> {
    let what = format!("{name} to be {number}");
    eventually(&what, async || Ok((metric(world, name).await? == number).then_some(()))).await
}

/// Waits until the number is at least this.
pub(crate) async fn climbs_to(world: &World, name: &str, number: u64) -> Result<()> {
    let what = format!("{name} to climb to {number}");
    eventually(&what, async || Ok((metric(world, name).await? >= number).then_some(()))).await
}
