//! How it looks: wide, narrow and on a phone, by day and by night, and to those who do not look. The pictures are in
//! `tests/out/`.

use switchboard_tests::browser::Key;
use switchboard_tests::prelude::*;

use super::{Clerk, waiting};

const SCREENS: [(&str, u32, u32, bool); 3] =
    [("wide", 1440, 900, false), ("narrow", 1024, 768, false), ("phone", 390, 844, true)];

pub(crate) async fn the_way_in_fits_and_keeps_nobody_out(world: World) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::before(world.address(), "ann@shop.example").await?;
    clerk.until("document.querySelector('.login-card')").await?;
    fits(&world, &clerk, "login", "").await?;
    clerk.close().await
}

pub(crate) async fn everything_of_the_console_fits_and_keeps_nobody_out(world: World) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::at(&world, "ann@shop.example").await?;
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(2);
    let mut kim = waiting(&world, &long, &format!("I mean this one: https://tea.example/{long}")).await?;
    waiting(&world, "Lee", "שלום, הכרטיס שלי נעלם").await?;
    clerk.until("document.querySelectorAll('.row').length === 2").await?;
    fits(&world, &clerk, "queue", "").await?;

    clerk.open(&kim.conversation).await?;
    clerk.press("n").await?;
    clerk.press(&format!("`{long}`")).await?;
    clerk.press_key(Key::Enter).await?;
    kim.send("hello?").await?;
    clerk.reads(".said.user", "hello?").await?;
    clerk.reads(".said.note:not(.pending)", &long).await?;
    fits(&world, &clerk, "conversation", "").await?;
    let beside = "document.querySelector('.inbox').classList.add('with-side')";
    fits(&world, &clerk, "details", beside).await?;
    clerk.ask("document.documentElement.dir = 'rtl'").await?;
    fits(&world, &clerk, "from-right-to-left", "").await?;
    clerk.ask("document.documentElement.dir = 'ltr'").await?;

    for (page, ready) in [("dashboard", ".tile"), ("log", ".log-page [role=status]")] {
        clerk.ask(&format!("location.hash = '#/{page}'")).await?;
        clerk.until(&format!("document.querySelector('{ready}')")).await?;
        fits(&world, &clerk, page, "").await?;
    }
    clerk.close().await
}

/// What is broader than its place, and must not be.
const BROAD: &str = "
return [document.documentElement, ...document.querySelectorAll('.queue-rows, .scroller, .details, .reasons, .page')]
  .filter((it) => it.scrollWidth > it.clientWidth).map((it) => `${it.localName}.${it.className}`)";

/// On every screen, made ready there by a script, by day and by night: nothing leaves the screen, nobody is kept out,
/// and a picture is left.
async fn fits(world: &World, clerk: &Clerk, what: &str, ready: &str) -> Result<()> {
    for (name, width, height, phone) in SCREENS {
        clerk.browser.screen(width, height, phone).await?;
        for theme in ["light", "dark"] {
            clerk
                .browser
                .media(&[("prefers-color-scheme", theme), ("prefers-reduced-motion", "reduce")])
                .await?;
            clerk
                .until(&format!(
                    "matchMedia('(prefers-color-scheme: {theme})').matches && innerWidth === {width}"
                ))
                .await?;
            clerk.ask(ready).await?;
            clerk
                .browser
                .screenshot(&format!("console-{what}-{name}-{theme}.{}", world.lane().name()))
                .await?;
            let broad = clerk.ask(BROAD).await?;
            ensure!(broad == json!([]), "{what}, {name}: these scroll sideways: {broad}");
            let barriers = clerk.browser.barriers("html").await?;
            ensure!(barriers.is_empty(), "{what}, {name}, {theme}: {barriers:#?}");
        }
    }
    clerk.browser.screen(1440, 900, false).await
}

pub(crate) async fn what_a_visitor_wrote_runs_nothing_in_the_console(world: World) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::at(&world, "ann@shop.example").await?;
    let evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
    let link = "[click](javascript:document.title='owned') javascript:alert(1)";
    let mut visitor = waiting(&world, evil, &format!("{evil} {link}")).await?;
    clerk.reads(".row .name", evil).await?;
    clerk.open(&visitor.conversation).await?;
    clerk.reads(".said.user .text", evil).await?;
    clerk.press("n").await?;
    clerk.press(link).await?;
    clerk.press_key(Key::Enter).await?;
    visitor.send("and this").await?;
    clerk.reads(".said.user .text", "and this").await?;
    let harm = clerk
        .ask(
            "return [...document.querySelectorAll('img, main script, [onerror], a[href^=\"javascript\" i]')]
               .map((it) => it.outerHTML).concat(document.title === 'owned' ? document.title : [])",
        )
        .await?;
    ensure!(harm == json!([]), "{harm}");
    clerk.close().await
}
