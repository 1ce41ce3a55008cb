//! The way in, and what is served before it.

use switchboard_tests::browser::Key;
use switchboard_tests::prelude::*;

use super::{Clerk, add_staff};

pub(crate) async fn the_console_is_served_under_a_policy_of_its_own(world: World) -> Result<()> {
    world.start().await?;
    for path in ["/staff", "/staff/"] {
        let response = world.get(path).await?;
        ensure!(response.status() == 200 && response.url().path() == "/staff", "{path}: {}", response.url());
        let policy = response.headers()["content-security-policy"].to_str()?.to_owned();
        ensure!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        ensure!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        ensure!(response.text().await?.contains("staff/app.js"), "{path}");
    }
    for (path, kind) in [("/staff/app.js", "text/javascript"), ("/staff/base.css", "text/css")] {
        let response = world.get(path).await?;
        ensure!(response.headers()["content-type"].to_str()?.starts_with(kind), "{path}");
    }
    ensure!(world.get("/staff/types.d.ts").await?.status() == 404, "browsers have no use for types");
    Ok(())
}

pub(crate) async fn a_formula_in_a_table_stays_text(world: World) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::before(world.address(), "ann@shop.example").await?;
    let made = clerk
        .ask(
            r#"return import("/staff/save.js").then(({ csv }) =>
                 csv(["a", "b"], [["=1+1", -2], ["+1", "say \"hi\", or\nnot"], [" @x", null], ["ok", 0.5]]))"#,
        )
        .await?;
    let expected = "\u{feff}a,b\r\n'=1+1,-2\r\n'+1,\"say \"\"hi\"\", or\nnot\"\r\n' @x,\r\nok,0.5\r\n";
    ensure!(made == expected, "{made}");
    clerk.close().await
}

pub(crate) async fn who_wants_to_stay_signed_in_does_and_others_do_not(world: World) -> Result<()> {
    world.start().await?;
    let clerk = Clerk::at(&world, "ann@shop.example").await?;
    // A refused login is an error in the browser's log, too.
    clerk.browser.allow_error("401");
    // A reload goes on, another tab has a login of its own.
    clerk.browser.reload().await?;
    clerk.until("document.querySelector('.queue')").await?;
    clerk.browser.open_tab().await?;
    clerk.browser.goto(&clerk.console).await?;
    clerk.sign_in_with("wrong").await?;
    clerk.until("document.querySelector('.problem').textContent").await?;
    clerk.click("[name=keep]").await?;
    clerk.ask("const email = document.querySelector('[name=email]'); email.focus(); email.select()").await?;
    clerk.sign_in().await?;
    clerk.until("document.querySelector('.queue')").await?;
    ensure!(clerk.ask("return location.href").await?.as_str().is_some_and(|url| !url.contains("token")));

    let clerk = Clerk { browser: clerk.browser.restart().await?, ..clerk };
    clerk.browser.goto(&clerk.console).await?;
    clerk.until("document.querySelector('.queue') && document.body.dataset.state === 'online'").await?;
    clerk.click(".me").await?;
    clerk.press_key(Key::Up).await?;
    clerk.press_key(Key::Enter).await?;
    clerk.until("document.querySelector('.login-card')").await?;
    let kept = clerk.ask("return JSON.stringify({ ...localStorage, ...sessionStorage })").await?;
    ensure!(!kept.to_string().contains(":refresh"), "nothing is left to come back with: {kept}");
    clerk.close().await
}

pub(crate) async fn an_account_that_is_not_staff_is_told_so(world: World) -> Result<()> {
    world.start().await?;
    add_staff(&world, "mel@shop.example", "member").await?;
    let clerk = Clerk::before(world.address(), "mel@shop.example").await?;
    clerk.sign_in().await?;
    clerk.reads(".queue-status", "The queue cannot be shown").await?;
    clerk.close().await
}
