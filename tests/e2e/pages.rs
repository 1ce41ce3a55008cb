//! `message.list`: every bound of it, and a log read from end to end in either direction.

use switchboard_tests::prelude::*;

use crate::messages::say;
use crate::positions::{PAGE_BYTES, numbers};

pub(crate) const TESTS: &[Test] = tests![
    after_seq_is_valid_from_0_to_the_head,
    before_seq_is_valid_from_1_to_one_beyond_the_head,
    without_a_bound_it_is_the_last_page,
    an_empty_log_has_valid_bounds_too,
    a_limit_is_from_1_to_200,
    a_log_is_read_from_end_to_end_in_either_direction,
    a_page_cut_short_by_its_bytes_says_that_there_is_more,
];

/// A visitor whose log counts up to `head`.
async fn with_log(world: &World, head: u64) -> Result<Visitor> {
    world.without_limits().start().await?;
    let mut visitor = world.visitor().await?;
    let id = visitor.conversation.clone();
    say(visitor.socket()?, &id, (1..=head).map(|number| format!("number {number}"))).await?;
    Ok(visitor)
}

async fn list(visitor: &mut Visitor, bounds: Value) -> Result<Result<Value, RpcError>> {
    let mut params = bounds;
    params["conversation_id"] = json!(visitor.conversation);
    let asked = visitor.socket()?.request("message.list", params).await?;
    visitor.socket()?.answer(asked).await
}

/// The first and the last number of a page and whether there is more.
async fn page(visitor: &mut Visitor, bounds: Value) -> Result<(u64, u64, bool)> {
    let page = list(visitor, bounds.clone()).await?.with_context(|| bounds.to_string())?;
    let (first, last) = numbers(&page)?;
    Ok((first, last, page["has_more"].as_bool().context("has_more")?))
}

async fn is_position_lost(visitor: &mut Visitor, bounds: Value, head: u64) -> Result<()> {
    let refusal =
        list(visitor, bounds.clone()).await?.err().with_context(|| format!("{bounds} was answered"))?;
    ensure!(refusal.code == -32010 && refusal.kind == "position_lost", "{bounds}: {refusal}");
    ensure!(refusal.data["seq"] == head && refusal.data["epoch"] == *visitor.epoch, "{bounds}: {refusal}");
    Ok(())
}

fn is_empty(answer: Result<Value, RpcError>) -> Result<bool> {
    Ok(answer? == json!({"messages": [], "has_more": false}))
}

async fn after_seq_is_valid_from_0_to_the_head(world: World) -> Result<()> {
    let mut visitor = with_log(&world, 7).await?;
    ensure!(page(&mut visitor, json!({"after_seq": 0})).await? == (1, 7, false));
    ensure!(page(&mut visitor, json!({"after_seq": 6})).await? == (7, 7, false));
    ensure!(page(&mut visitor, json!({"after_seq": 2, "limit": 3})).await? == (3, 5, true));
    ensure!(page(&mut visitor, json!({"after_seq": 2, "limit": 5})).await? == (3, 7, false));
    ensure!(is_empty(list(&mut visitor, json!({"after_seq": 7})).await?)?);
    for beyond in [8_u64, 1_000_000, 9_007_199_254_740_991] {
        is_position_lost(&mut visitor, json!({"after_seq": beyond}), 7).await?;
    }
    for nothing in [json!(-1), json!("1"), json!(1.5), json!(9_007_199_254_740_992_u64)] {
        let refusal = list(&mut visitor, json!({"after_seq": nothing})).await?.err().context("no number")?;
        ensure!(
            refusal.kind == "invalid_params" && refusal.data["fields"][0]["field"] == "after_seq",
            "{refusal}"
        );
    }
    Ok(())
}

async fn before_seq_is_valid_from_1_to_one_beyond_the_head(world: World) -> Result<()> {
    let mut visitor = with_log(&world, 7).await?;
    ensure!(page(&mut visitor, json!({"before_seq": 8})).await? == (1, 7, false));
    ensure!(page(&mut visitor, json!({"before_seq": 8, "limit": 3})).await? == (5, 7, true));
    ensure!(page(&mut visitor, json!({"before_seq": 5, "limit": 4})).await? == (1, 4, false));
    ensure!(page(&mut visitor, json!({"before_seq": 2})).await? == (1, 1, false));
    ensure!(is_empty(list(&mut visitor, json!({"before_seq": 1})).await?)?);
    for beyond in [0_u64, 9, 1_000_000, 9_007_199_254_740_991] {
        is_position_lost(&mut visitor, json!({"before_seq": beyond}), 7).await?;
    }
    let refusal =
        list(&mut visitor, json!({"before_seq": 3, "after_seq": 1})).await?.err().context("both")?;
    ensure!(refusal.kind == "invalid_params", "one or the other: {refusal}");
    Ok(())
}

async fn without_a_bound_it_is_the_last_page(world: World) -> Result<()> {
    let mut visitor = with_log(&world, 60).await?;
    ensure!(page(&mut visitor, json!({"limit": 10})).await? == (51, 60, true));
    ensure!(page(&mut visitor, json!({"limit": 60})).await? == (1, 60, false));
    let (first, last, has_more) = page(&mut visitor, json!({})).await?;
    ensure!(last == 60 && has_more == (first > 1));
    let nulls = json!({"before_seq": null, "after_seq": null, "limit": null});
    ensure!(page(&mut visitor, nulls).await? == (first, last, has_more), "null is absence");
    let over_http = json!({"conversation_id": visitor.conversation, "limit": 10});
    let over_http = world.rpc(Some(&visitor.token), "message.list", over_http).await?;
    ensure!(numbers(&over_http)? == (51, 60) && over_http["has_more"] == true);
    Ok(())
}

async fn an_empty_log_has_valid_bounds_too(world: World) -> Result<()> {
    let mut visitor = with_log(&world, 0).await?;
    for valid in [json!({}), json!({"after_seq": 0}), json!({"before_seq": 1})] {
        ensure!(is_empty(list(&mut visitor, valid).await?)?);
    }
    for beyond in [json!({"after_seq": 1}), json!({"before_seq": 2}), json!({"before_seq": 0})] {
        is_position_lost(&mut visitor, beyond, 0).await?;
    }
    Ok(())
}

async fn a_limit_is_from_1_to_200(world: World) -> Result<()> {
    let mut visitor = with_log(&world, 210).await?;
    ensure!(page(&mut visitor, json!({"limit": 200})).await? == (11, 210, true));
    ensure!(page(&mut visitor, json!({"limit": 1})).await? == (210, 210, true));
    ensure!(page(&mut visitor, json!({"limit": 1, "after_seq": 0})).await? == (1, 1, true));
    for wrong in [json!(0), json!(201), json!(-1), json!("10"), json!(1.5), json!([10])] {
        let refusal = list(&mut visitor, json!({"limit": wrong})).await?.err().context("no limit")?;
        ensure!(
            refusal.kind == "invalid_params" && refusal.data["fields"][0]["field"] == "limit",
            "{refusal}"
        );
    }
    Ok(())
}

async fn a_log_is_read_from_end_to_end_in_either_direction(world: World) -> Result<()> {
    let mut visitor = with_log(&world, 23).await?;
    let (mut upwards, mut at) = (Vec::new(), 0);
    loop {
        let (first, last, has_more) = page(&mut visitor, json!({"after_seq": at, "limit": 5})).await?;
        upwards.extend(first..=last);
        at = last;
        if !has_more {
            break;
        }
    }
    ensure!(upwards.iter().copied().eq(1..=23), "{upwards:?}");
    let (mut downwards, mut at) = (Vec::new(), 24);
    loop {
        let (first, last, has_more) = page(&mut visitor, json!({"before_seq": at, "limit": 5})).await?;
        downwards.extend((first..=last).rev());
        at = first;
        if !has_more {
            break;
        }
    }
    ensure!(downwards.iter().copied().eq((1..=23).rev()), "{downwards:?}");
    Ok(())
}

async fn a_page_cut_short_by_its_bytes_says_that_there_is_more(world: World) -> Result<()> {
    let mut visitor = with_log(&world, 0).await?;
    let id = visitor.conversation.clone();
    say(visitor.socket()?, &id, (1..=40).map(|_| "\u{20ac}".repeat(10_000))).await?;
    for (bounds, upwards) in [(json!({"after_seq": 0, "limit": 200}), true), (json!({"limit": 200}), false)] {
        let page = list(&mut visitor, bounds).await??;
        let bytes = page["messages"].to_string().len();
        ensure!(bytes <= PAGE_BYTES && bytes > PAGE_BYTES / 2, "{bytes}");
        let (first, last) = numbers(&page)?;
        ensure!(
            page["has_more"] == true
                && if upwards { first == 1 && last < 40 } else { first > 1 && last == 40 }
        );
    }
    Ok(())
}
