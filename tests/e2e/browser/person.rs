//! Asking for a person.

use switchboard_tests::browser::Key;
use switchboard_tests::prelude::*;

use super::Shop;
use super::looks::{PHONE, WIDE, fits};

pub(super) async fn who_asks_for_a_person_says_how_to_be_reached_and_is_told_that_nobody_is_there(
    world: World,
) -> Result<()> {
    world.start().await?;
    let shop = Shop::of(&world).await?;
    shop.open().await?;
    shop.until("chat.desk.conversation && !root.querySelector('[part=menu]').hidden").await?;
    shop.click("[part=menu]").await?;
    shop.click(".menu button").await?;
    shop.until("root.activeElement.name === 'name'").await?;
    for screen in [PHONE, WIDE] {
        fits(&world, &shop, "person", screen).await?;
    }
    // A sheet that becomes a panel gives the focus back to nobody.
    shop.ask("root.querySelector('.contact input').focus()").await?;
    let tab = Key::Tab;
    shop.browser.keys(&("Kim".to_owned() + &tab + "kim@example.com" + &tab + &tab + &Key::Enter)).await?;
    shop.until("root.querySelector('.status').textContent.includes('Nobody is there right now')").await?;
    shop.until("!root.querySelector('.contact') && root.activeElement.localName === 'textarea'").await?;
    let stored = world.rows("select trigger_type, status, contact_info from escalations").await?;
    let contact = json!({"name": "Kim", "email": "kim@example.com", "phone": null});
    ensure!(
        stored == [json!({"trigger_type": "user_request", "status": "pending", "contact_info": contact})],
        "{stored:?}"
    );
    shop.close().await
}
