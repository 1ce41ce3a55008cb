//! The widget in real Chromium: on the page of a shop, whose site is another than the server's, with the hands and
//! eyes of a visitor.
//!
//! Invariant: a test works with the mouse and the keyboard, and believes the page only as far as the database says
//! the same.

use std::net::SocketAddr;

use switchboard_tests::browser::{Key, Site};
use switchboard_tests::prelude::*;

use self::access::{
    a_new_message_is_read_out_and_an_old_one_is_not, everything_can_be_done_with_the_keyboard,
    nobody_is_kept_out_of_the_widget,
};
use self::ending::a_conversation_is_ended_rated_and_followed_by_another;
use self::journaled::what_the_journal_keeps_is_shown_as_sent_and_stays_in_the_outbox;
use self::killed::{
    a_message_whose_acknowledgement_was_lost_is_sent_once,
    a_server_killed_while_the_visitor_writes_loses_nothing_and_repeats_nothing,
};
use self::late::whoever_opens_the_browser_two_days_later_finds_the_conversation;
use self::looks::{
    everything_fits_on_every_screen_in_both_themes, the_demo_page_fits_on_every_screen_in_both_themes,
    who_wants_no_motion_sees_none,
};
use self::person::who_asks_for_a_person_says_how_to_be_reached_and_is_told_that_nobody_is_there;
use self::reload::{
    a_reload_keeps_the_conversation_and_its_history, the_badge_counts_what_was_not_read,
    what_was_not_acknowledged_survives_a_reload_and_is_sent_once,
};
use self::safety::what_somebody_wrote_runs_nothing;
use self::staff::{
    a_canned_reply_is_written_by_a_slash, a_formula_in_a_table_stays_text,
    a_note_is_never_told_to_the_visitor, a_press_outlives_a_change_of_the_queue,
    after_an_outage_nothing_that_is_shown_is_old, an_account_that_is_not_staff_is_told_so,
    everything_of_the_console_fits_and_keeps_nobody_out,
    somebody_who_waits_is_claimed_answered_and_resolved_with_the_keyboard,
    the_console_is_served_under_a_policy_of_its_own, the_way_in_fits_and_keeps_nobody_out,
    what_a_visitor_wrote_runs_nothing_in_the_console, what_was_half_written_outlives_the_sign_out,
    who_claims_too_late_is_told_who_has_it, who_wants_to_stay_signed_in_does_and_others_do_not,
    why_it_came_to_this_is_shown_and_counted,
};
use self::tabs::{
    a_message_of_a_tab_that_is_gone_is_sent_by_another_one,
    two_tabs_opened_at_once_are_one_visitor_with_one_conversation,
};
use self::weight::{
    a_page_with_the_tag_loads_at_most_25_kib, a_page_with_the_tag_loads_only_what_was_weighed,
};

mod access;
mod ending;
mod journaled;
mod killed;
mod late;
mod looks;
mod person;
mod reload;
mod safety;
mod staff;
mod tabs;
mod weight;

pub(crate) const TESTS: &[Test] = tests![
    two_tabs_opened_at_once_are_one_visitor_with_one_conversation needs Browser,
    a_message_of_a_tab_that_is_gone_is_sent_by_another_one needs Browser,
    a_reload_keeps_the_conversation_and_its_history needs Browser,
    the_badge_counts_what_was_not_read needs Browser,
    what_was_not_acknowledged_survives_a_reload_and_is_sent_once needs Browser,
    a_server_killed_while_the_visitor_writes_loses_nothing_and_repeats_nothing needs Browser,
    a_message_whose_acknowledgement_was_lost_is_sent_once needs Browser,
    what_the_journal_keeps_is_shown_as_sent_and_stays_in_the_outbox needs Browser LocalDatabase,
    whoever_opens_the_browser_two_days_later_finds_the_conversation needs Browser,
    a_conversation_is_ended_rated_and_followed_by_another needs Browser,
    everything_fits_on_every_screen_in_both_themes needs Browser,
    the_demo_page_fits_on_every_screen_in_both_themes needs Browser,
    who_wants_no_motion_sees_none needs Browser,
    everything_can_be_done_with_the_keyboard needs Browser,
    a_new_message_is_read_out_and_an_old_one_is_not needs Browser,
    nobody_is_kept_out_of_the_widget needs Browser Axe,
    who_asks_for_a_person_says_how_to_be_reached_and_is_told_that_nobody_is_there needs Browser,
    what_somebody_wrote_runs_nothing needs Browser,
    a_page_with_the_tag_loads_at_most_25_kib,
    a_page_with_the_tag_loads_only_what_was_weighed needs Browser,
    the_console_is_served_under_a_policy_of_its_own,
    the_way_in_fits_and_keeps_nobody_out needs Browser Axe,
    a_formula_in_a_table_stays_text needs Browser,
    who_wants_to_stay_signed_in_does_and_others_do_not needs Browser,
    an_account_that_is_not_staff_is_told_so needs Browser,
    somebody_who_waits_is_claimed_answered_and_resolved_with_the_keyboard needs Browser,
    who_claims_too_late_is_told_who_has_it needs Browser,
    a_note_is_never_told_to_the_visitor needs Browser,
    a_press_outlives_a_change_of_the_queue needs Browser,
    a_canned_reply_is_written_by_a_slash needs Browser,
    after_an_outage_nothing_that_is_shown_is_old needs Browser,
    what_was_half_written_outlives_the_sign_out needs Browser,
    what_a_visitor_wrote_runs_nothing_in_the_console needs Browser,
    why_it_came_to_this_is_shown_and_counted needs Browser,
    everything_of_the_console_fits_and_keeps_nobody_out needs Browser Axe,
];

/// A shop with the widget on its page, and a browser that nobody has used before, with that page in its tab.
struct Shop {
    browser: Browser,
    site: Site,
}

impl Shop {
    /// With the one tag of the documentation.
    async fn of(world: &World) -> Result<Self> {
        Self::with(world, &world.url("/widget.js"), "").await
    }

    /// With a network of the test's own between the browser and the server.
    async fn behind(world: &World, proxy: SocketAddr) -> Result<Self> {
        Self::with(world, &world.url("/widget.js"), &format!("data-server=http://{proxy}")).await
    }

    /// A shop that has the widget on its own site, where it is also while the server is down.
    async fn hosting(world: &World) -> Result<Self> {
        Self::with(world, "/widget.js", &format!("data-server={}", world.url("/"))).await
    }

    async fn with(world: &World, script: &str, attributes: &str) -> Result<Self> {
        let site = Site::with(&format!(
            "<!doctype html><html lang=en><meta charset=utf-8>
             <meta name=viewport content='width=device-width, initial-scale=1'><link rel=icon href='data:,'>
             <title>A shop</title><script type=module src='{script}' {attributes}></script>
             <style>body {{ margin: 2rem; font: 1rem sans-serif }} html {{ color-scheme: light dark }}</style>
             <h1>A shop</h1><p>It sells <a href='#tea'>tea</a>.</p>"
        ))
        .await?;
        let allowed = ["workspace", "set", "default", "--origin", &site.origin()];
        ensure!(world.command(&allowed).await?.status.success(), "the shop's site is to be allowed");
        let shop = Self { browser: Browser::start().await?, site };
        shop.visit().await?;
        Ok(shop)
    }

    /// Goes to the page, in the tab that is in front.
    async fn visit(&self) -> Result<()> {
        self.browser.goto(&self.site.origin()).await?;
        self.is_there().await
    }

    async fn reload(&self) -> Result<()> {
        self.browser.reload().await?;
        self.is_there().await
    }

    /// The scripts of the widget are loaded after the page is.
    async fn is_there(&self) -> Result<()> {
        self.until("chat?.desk").await
    }

    /// A browser logs each attempt to reach a server that is down.
    fn expects_outages(&self) {
        self.browser.allow_error("WebSocket connection to");
    }

    /// The browser's end; fails if a page logged an error that was not allowed.
    async fn close(self) -> Result<()> {
        self.browser.close().await
    }

    // ------------------------------------------------------------------------------------- hands

    /// Clicks on the button in the corner.
    async fn open(&self) -> Result<()> {
        self.click(".launcher").await?;
        self.until("chat.open && root.activeElement").await
    }

    async fn click(&self, selector: &str) -> Result<()> {
        self.browser.click(&in_widget(&format!("return root.querySelector('{selector}')"))).await
    }

    /// Types a message into the open panel and sends it.
    async fn say(&self, text: &str) -> Result<()> {
        self.browser.keys(&(text.to_owned() + &Key::Enter)).await
    }

    // ------------------------------------------------------------------------------------- eyes

    /// Asks the page; `chat` is the widget's element and `root` what is inside it.
    async fn ask(&self, script: &str) -> Result<Value> {
        self.browser.run(&in_widget(script)).await
    }

    /// Waits until an expression is true of the page.
    async fn until(&self, expression: &str) -> Result<()> {
        self.browser.wait_for(&in_widget(&format!("return Boolean({expression})"))).await?;
        Ok(())
    }

    /// What the page shows of the conversation, the words of welcome aside: who, or `pending` or `failed`, and the
    /// text.
    async fn transcript(&self) -> Result<Vec<(String, String)>> {
        let shown = self
            .ask(
                "const kinds = ['pending', 'failed', 'assistant', 'staff', 'note'];
                 const items = [...root.querySelectorAll('.list > :is(.in, .out, .note)')];
                 const shown = items.map((item) => [
                   kinds.find((kind) => item.classList.contains(kind)) ?? 'user',
                   item.querySelector('.text, .note > span').textContent,
                 ]);
                 return shown.slice(chat.desk.greeting && !chat.desk.hasMore ? 1 : 0)",
            )
            .await?;
        Ok(serde_json::from_value(shown)?)
    }

    /// Waits until the page shows just this.
    async fn shows(&self, expected: &[(&str, &str)]) -> Result<()> {
        let mut last = Vec::new();
        let is_shown = eventually("the page to show it", async || {
            last = self.transcript().await?;
            let same = last.len() == expected.len()
                && last
                    .iter()
                    .zip(expected)
                    .all(|((kind, text), (other, words))| kind == other && text == words);
            Ok(same.then_some(()))
        });
        is_shown.await.with_context(|| format!("expected {expected:?}, shown {last:?}"))
    }

    /// The same for messages of the visitor only, all of them committed.
    async fn shows_said(&self, texts: &[impl AsRef<str>]) -> Result<()> {
        self.shows(&texts.iter().map(|text| ("user", text.as_ref())).collect::<Vec<_>>()).await
    }

    /// The page and the database tell the same story; gives its length.
    async fn shows_what_is_stored(&self, world: &World) -> Result<usize> {
        let shown = self.transcript().await?;
        let stored = world.stored_messages(&self.conversation().await?).await?;
        let stored: Vec<_> =
            stored.iter().map(|message| (text(&message["role"]), text(&message["content"]))).collect();
        ensure!(shown == stored, "shown {shown:?}, stored {stored:?}");
        ensure!(
            world.value("select count(*) from messages").await? == stored.len(),
            "nobody wrote elsewhere"
        );
        Ok(stored.len())
    }

    /// Which conversation it is.
    async fn conversation(&self) -> Result<String> {
        let id = self.ask("return chat.desk.conversation?.conversation_id").await?;
        id.as_str().map(str::to_owned).context("there is no conversation yet")
    }
}

/// A person of the company answers. Nobody can do that in these tests but an administrator of the database, of whom
/// the server learns only when it starts anew.
async fn staff_say(world: &World, shop: &Shop, content: &str) -> Result<()> {
    let (conversation, content) = (shop.conversation().await?, content.replace('\'', "''"));
    let insert = format!(
        "insert into messages (conversation_id, seq, id, workspace_id, role, author_id, author_name, content, created_at) \
         select conversation_id, max(seq) + 1, gen_random_uuid(), workspace_id, 'staff', gen_random_uuid(), 'Mia', \
         '{content}', now() from messages where conversation_id = '{conversation}' group by conversation_id, workspace_id"
    );
    world.execute(&insert).await?;
    shop.expects_outages();
    world.restart().await
}

fn in_widget(script: &str) -> String {
    format!("const chat = document.querySelector('switchboard-chat'), root = chat?.shadowRoot;\n{script}")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
