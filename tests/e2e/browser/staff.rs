//! The staff console in real Chromium, with the hands and eyes of people at a support desk.
//!
//! Invariant: as in the widget's tests, the page is believed only as far as the database or the visitor's socket says
//! the same.

use std::net::SocketAddr;

use switchboard_tests::browser::Key;
use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

pub(super) use self::entry::{
    a_formula_in_a_table_stays_text, an_account_that_is_not_staff_is_told_so,
    the_console_is_served_under_a_policy_of_its_own, who_wants_to_stay_signed_in_does_and_others_do_not,
};
pub(super) use self::lasting::{
    after_an_outage_nothing_that_is_shown_is_old, what_was_half_written_outlives_the_sign_out,
};
pub(super) use self::looks::{
    everything_of_the_console_fits_and_keeps_nobody_out, the_way_in_fits_and_keeps_nobody_out,
    what_a_visitor_wrote_runs_nothing_in_the_console,
};
pub(super) use self::work::{
    a_canned_reply_is_written_by_a_slash, a_note_is_never_told_to_the_visitor,
    a_press_outlives_a_change_of_the_queue,
    somebody_who_waits_is_claimed_answered_and_resolved_with_the_keyboard,
    who_claims_too_late_is_told_who_has_it, why_it_came_to_this_is_shown_and_counted,
};

mod entry;
mod lasting;
mod looks;
mod work;

const PASSWORD: &str = "correct horse battery";

/// A member of staff, and a browser that nobody has used before, with the console in its tab.
struct Clerk {
    browser: Browser,
    console: String,
    email: String,
}

impl Clerk {
    /// Has signed in, and sees the queue.
    async fn at(world: &World, email: &str) -> Result<Self> {
        add_staff(world, email, "staff").await?;
        let clerk = Self::before(world.address(), email).await?;
        clerk.sign_in().await?;
        clerk.until("document.querySelector('.queue') && document.body.dataset.state === 'online'").await?;
        Ok(clerk)
    }

    /// Stands before the login, at this address.
    async fn before(address: SocketAddr, email: &str) -> Result<Self> {
        let clerk = Self {
            browser: Browser::start().await?,
            console: format!("http://{address}/staff"),
            email: email.to_owned(),
        };
        clerk.browser.goto(&clerk.console).await?;
        Ok(clerk)
    }

    async fn sign_in(&self) -> Result<()> {
        self.sign_in_with(PASSWORD).await
    }

    /// The field for the e-mail address has the focus.
    async fn sign_in_with(&self, password: &str) -> Result<()> {
        self.until("document.activeElement.name === 'email'").await?;
        self.browser
            .keys(&format!("{}{}{password}{}", self.email, char::from(Key::Tab), char::from(Key::Enter)))
            .await
    }

    async fn press(&self, keys: &str) -> Result<()> {
        self.browser.keys(keys).await
    }

    async fn press_key(&self, key: Key) -> Result<()> {
        self.browser.keys(&key).await
    }

    async fn click(&self, selector: &str) -> Result<()> {
        self.click_while(selector, async { Ok(()) }).await
    }

    /// The same with something that happens between press and release.
    async fn click_while(&self, selector: &str, happens: impl Future<Output = Result<()>>) -> Result<()> {
        self.until(&format!("document.querySelector(`{selector}`)")).await?;
        self.browser.click_while(&format!("return document.querySelector(`{selector}`)"), happens).await
    }

    /// Opens the conversation, as its address does.
    async fn open(&self, conversation: &str) -> Result<()> {
        self.browser.run(&format!("location.hash = '#/inbox/open/{conversation}'")).await?;
        self.until("document.querySelector('.conversation .said')").await
    }

    async fn ask(&self, script: &str) -> Result<Value> {
        self.browser.run(script).await
    }

    /// Waits until an expression is true of the page.
    async fn until(&self, expression: &str) -> Result<()> {
        self.browser.wait_for(&format!("return Boolean({expression})")).await?;
        Ok(())
    }

    /// Waits until what a selector finds holds this text.
    async fn reads(&self, selector: &str, text: &str) -> Result<()> {
        let found = format!("[...document.querySelectorAll(`{selector}`)]");
        let holds = format!("{found}.some((it) => it.textContent.includes({}))", json!(text));
        if let Err(error) = self.until(&holds).await {
            let read = self.ask(&format!("return {found}.map((it) => it.textContent)")).await?;
            return Err(error.context(format!("{selector} was to hold {text:?}, and reads {read}")));
        }
        Ok(())
    }

    /// The browser's end; fails if a page logged an error that was not allowed.
    async fn close(self) -> Result<()> {
        self.browser.close().await
    }
}

/// Gives an account this role, with [`PASSWORD`].
async fn add_staff(world: &World, email: &str, role: &str) -> Result<()> {
    let add = ["user", "add", "--email", email, "--role", role, "--password-stdin"];
    printed(&world.command_with_input(&add, &format!("{PASSWORD}\n")).await?)?;
    Ok(())
}

/// Another member of staff, without a browser: an open socket.
async fn colleague(world: &World, email: &str) -> Result<Socket> {
    add_staff(world, email, "staff").await?;
    let body = json!({"email": email, "password": PASSWORD});
    let answer = world.http().post(world.url("/api/auth/login")).json(&body).send().await?;
    let answer: Value = answer.error_for_status()?.json().await?;
    let mut socket = world.socket().await?;
    socket.call("session.open", json!({"token": answer["access_token"]})).await?;
    Ok(socket)
}

/// A visitor who has written this and then asked for a person.
async fn waiting(world: &World, name: &str, content: &str) -> Result<Visitor> {
    let mut visitor = world.visitor().await?;
    visitor.send(content).await?;
    let contact = json!({"name": name, "email": "kim@example.com"});
    let asked = json!({"conversation_id": visitor.conversation, "reason": content, "contact": contact});
    visitor.socket()?.call("escalation.request", asked).await?;
    Ok(visitor)
}
