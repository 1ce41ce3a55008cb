//! What somebody wrote is text, whatever it looks like.

use switchboard_tests::prelude::*;

use super::{Shop, staff_say};

/// Each would call `harm()`, were it more than text.
const ATTEMPTS: &[&str] = &[
    "<script>harm()</script>",
    "<img src=x onerror=harm()>",
    "<svg onload=harm()>",
    "<iframe srcdoc=\"<script>parent.harm()</script>\"></iframe>",
    "<a href=\"javascript:harm()\">a</a>",
    "</div></li></ol><script>harm()</script>",
    "**<img src=x onerror=harm()>** `<img src=x onerror=harm()>` # <img src=x onerror=harm()>",
    "```\n</code></pre><script>harm()</script>\n```",
    "[b](javascript:harm())",
    "[c](JaVaScRiPt:harm())",
    "[d](java\tscript:harm())",
    "[e](\u{1}javascript:harm())",
    "[f](vbscript:harm())",
    "[g](data:text/html,<script>parent.harm()</script>)",
    "[h](https://tea.example/\"onmouseover=\"harm())",
    "[<img src=x onerror=harm()>](https://tea.example/)",
    "https://tea.example/\"onclick=\"harm()",
    "javascript:harm()",
    "a citation [1]",
];

pub(super) async fn what_somebody_wrote_runs_nothing(world: World) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.ask(TRAP).await?;
    shop.open().await?;
    let attempts = ATTEMPTS.join("\n\n");
    // A newline would send it: it is put into the field as a page may do it.
    shop.ask(&format!("chat.compose({})", json!(attempts))).await?;
    shop.say("").await?;
    shop.until("root.querySelector('.out:not(.pending)')").await?;
    staff_say(&world, &shop, &attempts).await?;
    shop.until("root.querySelector('.staff .text')").await?;
    does_no_harm(&shop).await?;

    // From what is around the text, too, and in the history.
    let around = json!([{"number": 1, "source": "s", "title": "<img src=x onerror=harm()>", "url": "javascript:harm()"}]);
    let author = "<img src=x onerror=harm()>";
    world.execute(&format!("update messages set author_name = '{author}', citations = '{around}'")).await?;
    world.restart().await?;
    shop.reload().await?;
    shop.ask(TRAP).await?;
    shop.open().await?;
    shop.until("root.querySelector('.staff .sources')").await?;
    does_no_harm(&shop).await?;
    shop.close().await
}

const TRAP: &str = "
window.harmed = [];
window.harm = () => harmed.push(new Error().stack);
// What leads away is followed nowhere; what runs a script is not kept from it.
addEventListener('click', (event) => {
  const link = event.composedPath()[0].closest('a');
  if (link && /^(https?|mailto):/.test(link.protocol)) event.preventDefault();
}, true);";

async fn does_no_harm(shop: &Shop) -> Result<()> {
    let seen = shop
        .ask(
            "const elements = [...root.querySelectorAll('.log *, [part=news] *')];
             for (const element of elements) {
               for (const type of ['mouseover', 'click', 'load', 'error']) {
                 if (element.localName !== 'button') element.dispatchEvent(new MouseEvent(type, { bubbles: true, composed: true }));
               }
               if (element.localName !== 'button') element.click?.();
             }
             // A script that was let in would have run by the end of a task of its own.
             await new Promise((done) => setTimeout(done));
             return {
               harmed,
               names: [...new Set(elements.map(({ localName }) => localName))].sort(),
               attributes: [...new Set(elements.flatMap((element) => element.getAttributeNames()))].sort(),
               links: elements.filter((element) => element.href).map(({ href, target, rel }) => [new URL(href).protocol, target, rel]),
               text: root.querySelector('.staff .text').textContent,
             }",
        )
        .await?;
    ensure!(seen["harmed"] == json!([]), "it ran: {}", seen["harmed"]);
    for alien in ["script", "img", "iframe"] {
        ensure!(
            !seen["names"].as_array().context("names")?.contains(&json!(alien)),
            "{alien} is in the page: {seen:#}"
        );
    }
    let attributes = seen["attributes"].as_array().context("attributes")?;
    ensure!(attributes.iter().all(|name| !name.as_str().unwrap_or("on").starts_with("on")), "{attributes:?}");
    let links = seen["links"].as_array().context("links")?;
    ensure!(!links.is_empty(), "safe links are links");
    for link in links {
        ensure!(
            *link == json!(["https:", "_blank", "noopener noreferrer"]),
            "a link that leads elsewhere: {link}"
        );
    }
    for attempt in ["<script>harm()</script>", "<img src=x onerror=harm()>", "</code></pre>"] {
        ensure!(
            seen["text"].as_str().is_some_and(|text| text.contains(attempt)),
            "{attempt} is not shown: {seen:#}"
        );
    }
    Ok(())
}
