//! Verified identity: a visitor whose id the host page's server has signed, and everyone who only says so.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use switchboard_tests::prelude::*;

use crate::commands::{add_workspace, last_line};
use crate::opening::{conversation, opened};

pub(crate) const TESTS: &[Test] = tests![
    the_right_hash_makes_a_verified_visitor,
    a_wrong_or_empty_hash_is_unauthenticated,
    without_a_hash_it_is_an_unverified_visitor,
    where_verification_is_demanded_a_missing_hash_is_unauthenticated,
    a_verified_visitor_finds_earlier_conversations_on_another_device,
    two_devices_at_once_are_one_verified_visitor,
    verified_and_unverified_never_merge,
    a_new_secret_ends_what_the_former_one_signed,
];

/// What the host page's server sends along: hex HMAC-SHA256 of the id under the workspace's secret.
pub(crate) fn signature(secret: &str, external_id: &str) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
    mac.update(external_id.as_bytes());
    Ok(format!("{:x}", mac.finalize().into_bytes()))
}

/// A signed user as `session.open` takes it.
fn signed(secret: &str, external_id: &str) -> Result<Value> {
    Ok(json!({"user": {"external_id": external_id, "hash": signature(secret, external_id)?}}))
}

/// A new secret of the workspace `default`.
async fn new_secret(world: &World) -> Result<String> {
    last_line(&world.command(&["workspace", "set", "default", "--new-secret"]).await?)
}

/// The verified visitors, each with the number of their conversations.
async fn verified(world: &World) -> Result<Vec<Value>> {
    let sql = "select external_id, count(c.id) as conversations from users u left join conversations c on c.user_id = u.id \
               where verified group by u.id, external_id order by 1";
    world.rows(sql).await
}

async fn is_unauthenticated(world: &World, params: Value) -> Result<()> {
    let shown = params.to_string();
    let refusal = world.socket().await?.call_refused("session.open", params.clone()).await;
    let refusal = refusal.with_context(|| shown.clone())?;
    ensure!(refusal.code == -32001 && refusal.kind == "unauthenticated", "{shown}: {refusal}");
    let refusal = crate::http::refused(world, None, "session.open", params).await?;
    ensure!(refusal.kind == "unauthenticated", "{shown} over HTTP: {refusal}");
    Ok(())
}

async fn the_right_hash_makes_a_verified_visitor(world: World) -> Result<()> {
    world.start().await?;
    let secret = new_secret(&world).await?;
    let shop = add_workspace(&world, "shop", &[]).await?;
    for (workspace, secret, id) in
        [("default", &secret, "u-1"), ("shop", &shop, "u-1"), ("default", &secret, "J\u{f6}rg \u{1f600} 'x'")]
    {
        let mut params = signed(secret, id)?;
        params["workspace"] = json!(workspace);
        params["user"]["name"] = json!("Ann");
        let mut visitor = Visitor::open(world.address(), params).await?;
        visitor.send("it is really me").await?;
        let sql = format!(
            "select external_id, verified, u.name, slug from users u join workspaces w on w.id = u.workspace_id \
             where u.id = (select user_id from conversations where id = '{}')",
            visitor.conversation
        );
        let stored = json!({"external_id": id, "verified": true, "name": "Ann", "slug": workspace});
        ensure!(world.rows(&sql).await? == [stored]);
    }
    ensure!(verified(&world).await?.len() == 3, "the same id in two workspaces is two people");
    Ok(())
}

async fn a_wrong_or_empty_hash_is_unauthenticated(world: World) -> Result<()> {
    world.start().await?;
    let secret = new_secret(&world).await?;
    let shop = add_workspace(&world, "shop", &[]).await?;
    let right = signature(&secret, "u-1")?;
    for wrong in [
        String::new(),
        " ".to_owned(),
        "0".to_owned(),
        "0".repeat(64),
        right[..63].to_owned(),
        format!("{right}0"),
        format!("{right} "),
        signature(&secret, "u-2")?,
        signature(&shop, "u-1")?,
        signature("", "u-1")?,
    ] {
        is_unauthenticated(&world, json!({"user": {"external_id": "u-1", "hash": wrong}})).await?;
    }
    // Not even for somebody who has another proof of being somebody.
    let visitor = world.visitor().await?;
    let both = json!({"token": visitor.token, "user": {"external_id": "u-1", "hash": "0".repeat(64)}});
    is_unauthenticated(&world, both).await?;
    // A signature of nothing in particular proves nothing.
    let nobody = json!({"user": {"hash": signature(&secret, "")?}});
    let refusal = world.socket().await?.call_refused("session.open", nobody).await?;
    ensure!(["unauthenticated", "invalid_params"].contains(&refusal.kind.as_str()), "{refusal}");
    ensure!(world.value("select count(*) from users where workspace_id is not null").await? == 0);
    Ok(())
}

async fn without_a_hash_it_is_an_unverified_visitor(world: World) -> Result<()> {
    world.start().await?;
    new_secret(&world).await?;
    for hash in [json!({}), json!({"hash": null})] {
        let mut user = hash;
        user["external_id"] = json!("u-1");
        let mut visitor = Visitor::open(world.address(), json!({"user": user})).await?;
        visitor.send("so I say").await?;
    }
    let stored = "select external_id, verified from users where workspace_id is not null";
    let claimed = json!({"external_id": "u-1", "verified": false});
    ensure!(world.rows(stored).await? == [claimed.clone(), claimed], "two strangers who say the same");
    Ok(())
}

async fn where_verification_is_demanded_a_missing_hash_is_unauthenticated(world: World) -> Result<()> {
    world.start().await?;
    let secret = add_workspace(&world, "bank", &["--require-verification"]).await?;
    for user in
        [Value::Null, json!({}), json!({"external_id": "u-1"}), json!({"external_id": "u-1", "hash": null})]
    {
        is_unauthenticated(&world, json!({"workspace": "bank", "user": user})).await?;
    }
    is_unauthenticated(&world, json!({"workspace": "bank"})).await?;
    let mut params = signed(&secret, "u-1")?;
    params["workspace"] = json!("bank");
    let mut visitor = Visitor::open(world.address(), params).await?;
    visitor.send("it is really me").await?;
    // The proof that was given once is in what was handed out for it.
    for params in [json!({"token": visitor.token}), json!({"resume": visitor.resume_secret})] {
        ensure!(conversation(&opened(&world, params).await?.1) == visitor.conversation);
    }
    // Other workspaces do not ask for it.
    world.visitor().await?;
    Ok(())
}

async fn a_verified_visitor_finds_earlier_conversations_on_another_device(world: World) -> Result<()> {
    world.start().await?;
    let secret = new_secret(&world).await?;
    let ann = signed(&secret, "ann")?;
    let mut laptop = Visitor::open(world.address(), ann.clone()).await?;
    laptop.send("from the laptop").await?;
    laptop.lose();
    for _ in ["while the server remembers", "after a restart"] {
        let (_, phone) = opened(&world, ann.clone()).await?;
        ensure!(conversation(&phone) == laptop.conversation, "{phone}");
        ensure!(phone["messages"][0]["content"] == "from the laptop");
        let mut named = ann.clone();
        named["conversation_id"] = json!(laptop.conversation);
        ensure!(conversation(&opened(&world, named).await?.1) == laptop.conversation);
        let (_, bob) = opened(&world, signed(&secret, "bob")?).await?;
        ensure!(conversation(&bob) != laptop.conversation && bob["messages"] == json!([]));
        world.restart().await?;
    }
    let mut phone = Visitor::open(world.address(), ann).await?;
    let listed = phone.socket()?.call("conversation.list", json!({})).await?;
    ensure!(listed["conversations"][0]["conversation_id"] == *laptop.conversation, "{listed}");
    laptop.resume().await?;
    phone.send("from the phone").await?;
    ensure!(laptop.next_message().await?["content"] == "from the phone");
    Ok(())
}

async fn two_devices_at_once_are_one_verified_visitor(world: World) -> Result<()> {
    world.start().await?;
    let secret = new_secret(&world).await?;
    let mut devices = Vec::new();
    for _ in 0..4 {
        devices.push((world.socket().await?, 0));
    }
    for (socket, asked) in &mut devices {
        *asked = socket.request("session.open", signed(&secret, "ann")?).await?;
    }
    let mut visitors = Vec::new();
    for (mut socket, asked) in devices {
        let opened = socket.answer(asked).await??;
        visitors.push(Visitor::on(world.address(), socket, &opened)?);
    }
    for visitor in &mut visitors {
        visitor.send("hello").await?;
    }
    for visitor in &mut visitors {
        visitor.read_to(4).await?;
    }
    ensure!(verified(&world).await? == [json!({"external_id": "ann", "conversations": 1})]);
    Ok(())
}

async fn verified_and_unverified_never_merge(world: World) -> Result<()> {
    world.start().await?;
    let secret = new_secret(&world).await?;
    let mut user = json!({"user": {"external_id": "ann", "email": "ann@shop.example", "phone": "+49 30 1"}});
    let mut claimant = Visitor::open(world.address(), user.clone()).await?;
    claimant.send("I say that I am Ann").await?;

    user["user"]["hash"] = json!(signature(&secret, "ann")?);
    let mut ann = Visitor::open(world.address(), user.clone()).await?;
    ensure!(ann.conversation != claimant.conversation && ann.transcript().is_empty());
    ann.send("I am Ann").await?;

    // On the very device where they were unverified, they are somebody else from now on.
    for credential in [json!({"token": claimant.token}), json!({"resume": claimant.resume_secret})] {
        let mut both = credential;
        both["user"] = user["user"].clone();
        let (mut socket, opened) = opened(&world, both.clone()).await?;
        ensure!(conversation(&opened) == ann.conversation, "{opened}");
        let theirs = json!({"conversation_id": claimant.conversation});
        ensure!(socket.call_refused("message.list", theirs).await?.kind == "not_found");
        both["conversation_id"] = json!(claimant.conversation);
        ensure!(socket.call_refused("session.open", both).await?.kind == "not_found");
    }
    // And who only says so, does not become them, whatever is said alike.
    user["user"].as_object_mut().map(|user| user.remove("hash"));
    let (mut socket, again) = opened(&world, user.clone()).await?;
    ensure!(conversation(&again) != ann.conversation && conversation(&again) != claimant.conversation);
    let hers = json!({"conversation_id": ann.conversation});
    ensure!(socket.call_refused("message.list", hers).await?.kind == "not_found");
    drop(socket);
    claimant.lose();
    ann.lose();
    world.restart().await?;
    let mut resumed = user;
    resumed["resume"] = json!(claimant.resume_secret);
    let (_, resumed) = opened(&world, resumed).await?;
    ensure!(conversation(&resumed) == claimant.conversation, "{resumed}");
    ensure!(verified(&world).await? == [json!({"external_id": "ann", "conversations": 1})]);
    Ok(())
}

async fn a_new_secret_ends_what_the_former_one_signed(world: World) -> Result<()> {
    world.start().await?;
    let former = new_secret(&world).await?;
    let params = signed(&former, "ann")?;
    let mut visitor = Visitor::open(world.address(), params.clone()).await?;
    visitor.send("hello").await?;
    let next = new_secret(&world).await?;
    is_unauthenticated(&world, params).await?;
    let (_, opened) = opened(&world, signed(&next, "ann")?).await?;
    ensure!(conversation(&opened) == visitor.conversation, "she is who she was");
    Ok(())
}
