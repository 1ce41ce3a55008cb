//! How it looks: on a phone, on its side, and wide; by day and by night. The pictures are in `tests/out/`.

use switchboard_tests::prelude::*;

use super::{Shop, in_widget, staff_say};

#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    name: &'static str,
    width: u32,
    height: u32,
    phone: bool,
}

pub(super) const PHONE: Screen = Screen { name: "phone", width: 390, height: 844, phone: true };
pub(super) const WIDE: Screen = Screen { name: "wide", width: 1280, height: 900, phone: false };

const SCREENS: [Screen; 4] = [
    PHONE,
    Screen { name: "small-phone", width: 320, height: 568, phone: true },
    Screen { name: "phone-on-its-side", width: 844, height: 390, phone: true },
    WIDE,
];

const THEMES: [&str; 2] = ["light", "dark"];

pub(super) async fn everything_fits_on_every_screen_in_both_themes(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.open().await?;
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2);
    for text in ["Hello! Do you sell tea?", &format!("I mean this one: https://tea.example/{long}"), &long] {
        shop.say(text).await?;
    }
    shop.until("root.querySelectorAll('.out:not(.pending)').length === 3").await?;
    staff_say(
        &world,
        &shop,
        &format!(
            "We do. **Three kinds** of it:\n\n1. Assam, of [this garden](https://tea.example/assam)\n2. Keemun\n   \
             - from spring\n   - and from *autumn*\n3. {long}\n\nBrew it with `90 °C`:\n\n\
             ```\nboil --until 90 --then wait 3min --and {long}\n```"
        ),
    )
    .await?;
    shop.until("root.querySelector('.staff pre')").await?;
    for screen in SCREENS {
        fits(&world, &shop, "talk", screen).await?;
    }
    shop.ask("chat.lang = 'ar'").await?;
    shop.until("getComputedStyle(root.querySelector('.panel')).direction === 'rtl'").await?;
    fits(&world, &shop, "talk-from-right-to-left", PHONE).await?;
    shop.close().await
}

/// The open panel can be seen, read and used on this screen, by day and by night. Leaves a picture of each.
pub(super) async fn fits(world: &World, shop: &Shop, what: &str, screen: Screen) -> Result<()> {
    let Screen { name, width, height, phone } = screen;
    shop.browser.screen(width, height, phone).await?;
    for theme in THEMES {
        shop.browser.media(&[("prefers-color-scheme", theme)]).await?;
        shop.until(&format!(
            "matchMedia('(prefers-color-scheme: {theme})').matches && innerHeight === {height}
               && root.querySelector('.panel').matches(':modal') === {phone}
               && !root.querySelector('.panel').getAnimations({{ subtree: true }}).length"
        ))
        .await?;
        shop.browser.screenshot(&format!("widget-{what}-{name}-{theme}.{}", world.lane().name())).await?;
        let wrong = shop.ask(&format!("const width = {width}; {WRONG}")).await?;
        ensure!(wrong == json!([]), "{what}, {name}, {theme}: {wrong:#}");
        let paper = shop.ask("return getComputedStyle(root.querySelector('.panel')).backgroundColor").await?;
        ensure!((paper == "rgb(19, 27, 24)") == (theme == "dark"), "{theme}: {paper}");
    }
    Ok(())
}

/// What of the open panel a person could not see, read or hit.
const WRONG: &str = include_str!("looks/wrong.js");

pub(super) async fn the_demo_page_fits_on_every_screen_in_both_themes(world: World) -> Result<()> {
    world.start().await?;
    let browser = Browser::start().await?;
    for Screen { name, width, height, phone } in SCREENS {
        browser.screen(width, height, phone).await?;
        // On a wide screen there is room for both, and the desk is open at once.
        browser.goto(&world.url("/")).await?;
        let open = width >= 1060;
        browser.wait_for(&in_widget(&format!("return chat?.desk && chat.open === {open}"))).await?;
        browser.wait_for("return document.querySelector('#departures').rows.length === 4").await?;
        for theme in THEMES {
            browser.media(&[("prefers-color-scheme", theme)]).await?;
            browser
                .wait_for(&format!("return matchMedia('(prefers-color-scheme: {theme})').matches"))
                .await?;
            browser
                .wait_for(&in_widget("return !root.querySelector('.panel').getAnimations().length"))
                .await?;
            browser.screenshot(&format!("demo-{name}-{theme}.{}", world.lane().name())).await?;
            let broad = browser.run("return document.documentElement.scrollWidth").await?;
            ensure!(
                broad.as_u64().is_some_and(|broad| broad <= width.into()),
                "{name}: {broad} pixels broad"
            );
        }
    }
    browser.close().await
}

pub(super) async fn who_wants_no_motion_sees_none(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.open().await?;
    for (motion, text, is_still) in [("no-preference", "one", false), ("reduce", "two", true)] {
        shop.browser.media(&[("prefers-reduced-motion", motion)]).await?;
        shop.say(text).await?;
        shop.until(&format!("root.querySelector('.list').lastChild.innerText.includes('{text}')")).await?;
        let moving = shop.ask(MOVING).await?;
        let moving = moving.as_array().context("a list")?;
        ensure!(moving.is_empty() == is_still, "with {motion} these move: {moving:?}");
    }
    shop.close().await
}

/// What has an animation or a transition, whether or not it runs just now.
const MOVING: &str = "
return [...root.querySelectorAll('*')].flatMap((element) => [null, '::before', '::after'].map((pseudo) => {
  const { animationName, transitionDuration } = getComputedStyle(element, pseudo);
  const moves = animationName !== 'none' || transitionDuration !== '0s';
  return moves && `${element.localName} ${pseudo} ${animationName} ${transitionDuration}`;
})).filter(Boolean)";
