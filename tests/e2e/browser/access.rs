//! Without a mouse, and without a screen.

use switchboard_tests::browser::Key;
use switchboard_tests::prelude::*;

use super::{Shop, staff_say};

pub(super) async fn everything_can_be_done_with_the_keyboard(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    let browser = &shop.browser;
    // The link of the page comes first.
    press(&shop, Key::Tab).await?;
    press(&shop, Key::Tab).await?;
    is_at(&shop, "Open chat").await?;
    press(&shop, Key::Enter).await?;
    is_at(&shop, "Write a message").await?;
    shop.say("one").await?;
    shop.shows_said(&["one"]).await?;

    // A line more is no message yet.
    browser.keys("two").await?;
    browser.chord(Key::Shift, Key::Enter).await?;
    browser.keys("lines").await?;
    press(&shop, Key::Tab).await?;
    is_at(&shop, "Send").await?;
    press(&shop, Key::Space).await?;
    shop.shows_said(&["one", "two\nlines"]).await?;
    is_at(&shop, "Write a message").await?;

    for stop in ["Conversation", "Close chat", "More options"] {
        browser.chord(Key::Shift, Key::Tab).await?;
        is_at(&shop, stop).await?;
    }
    press(&shop, Key::Enter).await?;
    is_at(&shop, "Talk to a person").await?;
    press(&shop, Key::Escape).await?;
    is_at(&shop, "More options").await?;
    press(&shop, Key::Escape).await?;
    is_at(&shop, "Open chat").await?;
    ensure!(shop.ask("return chat.open").await? == false);

    // On a phone the panel is all there is: the page behind it cannot be reached.
    browser.screen(390, 844, true).await?;
    press(&shop, Key::Enter).await?;
    shop.until("chat.open").await?;
    let mut stops = Vec::new();
    for _ in 0..8 {
        press(&shop, Key::Tab).await?;
        stops.push(shop.ask(FOCUS).await?["name"].clone());
    }
    for stop in ["More options", "Close chat", "Conversation", "Write a message", "Send"] {
        ensure!(stops.contains(&json!(stop)), "{stop} is not among {stops:?}");
    }
    ensure!(!stops.contains(&json!("tea")) && !stops.contains(&json!("Open chat")), "{stops:?}");
    press(&shop, Key::Escape).await?;
    is_at(&shop, "Open chat").await?;
    shop.close().await
}

async fn press(shop: &Shop, key: Key) -> Result<()> {
    shop.browser.keys(&key).await
}

/// The focus is on what has this name, and can be seen there.
async fn is_at(shop: &Shop, name: &str) -> Result<()> {
    let mut last = Value::Null;
    let arrived = eventually("the focus to be there", async || {
        last = shop.ask(FOCUS).await?;
        Ok((last["name"] == name).then_some(()))
    });
    arrived.await.with_context(|| format!("it was to be at {name}, and is at {last}"))?;
    ensure!(last["visible"] == true, "nobody can see that the focus is at {name}");
    Ok(())
}

/// Where the focus is. The field's own is drawn around the form.
const FOCUS: &str = "
const at = root.activeElement ?? document.activeElement;
const { outlineStyle } = getComputedStyle(at);
const form = at.closest('form');
return {
  name: at.ariaLabel ?? at.textContent,
  visible: at.matches(':focus-visible') &&
    (outlineStyle !== 'none' || (at.localName === 'textarea' && getComputedStyle(form).boxShadow !== 'none')),
}";

pub(super) async fn a_new_message_is_read_out_and_an_old_one_is_not(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.open().await?;
    shop.say("hello").await?;
    shop.shows_said(&["hello"]).await?;
    reads_out(&shop, "").await?;
    staff_say(&world, &shop, "good **morning**").await?;
    reads_out(&shop, "Mia: good morning").await?;
    staff_say(&world, &shop, "how can I help?").await?;
    reads_out(&shop, "Mia: good morning Mia: how can I help?").await?;

    shop.reload().await?;
    shop.open().await?;
    shop.shows(&[("user", "hello"), ("staff", "good morning"), ("staff", "how can I help?")]).await?;
    reads_out(&shop, "").await?;

    // While the panel is closed: how many there are.
    shop.click("[part=close]").await?;
    staff_say(&world, &shop, "are you there?").await?;
    hears(&shop, "status", "1").await?;
    shop.close().await
}

async fn reads_out(shop: &Shop, expected: &str) -> Result<()> {
    hears(shop, "log", expected).await
}

/// What a screen reader is told to read out as it comes, as Chromium tells it to screen readers.
async fn hears(shop: &Shop, role: &str, expected: &str) -> Result<()> {
    let mut last = String::new();
    let is_read_out = eventually("it to be read out", async || {
        let tree = shop.browser.devtools("Accessibility.getFullAXTree", json!({})).await?;
        let nodes = tree["nodes"].as_array().context("a tree has nodes")?;
        let live = nodes.iter().find(|node| node["role"]["value"] == role && is_polite(node));
        last = live.map(|live| words(nodes, live)).unwrap_or_default();
        Ok((last == expected).then_some(()))
    });
    is_read_out.await.with_context(|| format!("expected {expected:?}, read out {last:?}"))
}

fn is_polite(node: &Value) -> bool {
    let mut properties = node["properties"].as_array().into_iter().flatten();
    properties.any(|property| property["name"] == "live" && property["value"]["value"] == "polite")
}

fn words(nodes: &[Value], node: &Value) -> String {
    if node["role"]["value"] == "StaticText" {
        return node["name"]["value"].as_str().unwrap_or_default().to_owned();
    }
    let children = node["childIds"].as_array().into_iter().flatten();
    let children = children.filter_map(|id| nodes.iter().find(|node| node["nodeId"] == *id));
    let words: Vec<_> = children.map(|child| words(nodes, child)).collect();
    words.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) async fn nobody_is_kept_out_of_the_widget(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.open().await?;
    shop.say("hello").await?;
    shop.shows_said(&["hello"]).await?;
    staff_say(&world, &shop, "Good **morning**. This is [where](https://tea.example) it is.").await?;
    shop.until("root.querySelector('.staff')").await?;
    for theme in ["light", "dark"] {
        shop.browser.media(&[("prefers-color-scheme", theme)]).await?;
        shop.until(&format!(
            "matchMedia('(prefers-color-scheme: {theme})').matches
               && !root.querySelector('.panel').getAnimations({{ subtree: true }}).length"
        ))
        .await?;
        let barriers = shop.browser.barriers("switchboard-chat").await?;
        ensure!(barriers.is_empty(), "{theme}: {barriers:#?}");
    }
    shop.close().await
}
