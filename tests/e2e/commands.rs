//! The command line while the server runs: workspaces, accounts and keys, through its control socket.

use std::process::Output;

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::opening::{conversation, opened};

pub(crate) const TESTS: &[Test] = tests![
    a_workspace_is_added_listed_and_changed,
    an_account_that_is_added_prints_its_password_last,
    a_key_works_until_it_is_revoked,
    a_socket_whose_key_is_revoked_is_closed,
    commands_work_where_no_server_runs_too,
    the_control_socket_is_its_owners_alone,
];

/// Makes a workspace and gives the secret that signs the ids of its visitors.
pub(crate) async fn add_workspace(world: &World, name: &str, more: &[&str]) -> Result<String> {
    last_line(&world.command(&[&["workspace", "add", name], more].concat()).await?)
}

/// Makes a key and gives it.
pub(crate) async fn add_key(world: &World, name: &str, role: &str, workspace: &str) -> Result<String> {
    let arguments = ["key", "add", "--name", name, "--role", role, "--workspace", workspace];
    last_line(&world.command(&arguments).await?)
}

/// What a command gave to keep: the last line of its output.
pub(crate) fn last_line(output: &Output) -> Result<String> {
    Ok(printed(output)?.lines().last().context("the command printed nothing")?.to_owned())
}

/// What a command that has to fail said, with the exit code that it has to fail with.
pub(crate) fn failure(output: &Output, code: i32) -> Result<String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(code), "{}: {said}", output.status);
    ensure!(!said.trim().is_empty() && !said.contains("panicked"), "{said}");
    Ok(said)
}

async fn a_workspace_is_added_listed_and_changed(world: World) -> Result<()> {
    world.start().await?;
    let secret = add_workspace(&world, "shop", &["--origin", "https://shop.example"]).await?;
    ensure!(secret.len() >= 32 && !secret.contains(' '), "{secret}");
    let listed = printed(&world.command(&["workspace", "list"]).await?)?;
    let line = |name: &str| listed.lines().find(|line| line.starts_with(name)).map(str::to_owned);
    ensure!(
        line("default").is_some() && line("shop").is_some_and(|line| line.contains("https://shop.example"))
    );
    ensure!(!listed.contains(&secret), "it is shown once");

    let open_from = async |origin: &'static str| {
        let upgrade = Upgrade { origin: Some(origin), ..Upgrade::default() };
        let mut socket = Socket::connect(world.address(), upgrade).await?;
        let asked = socket.request("session.open", json!({"workspace": "shop"})).await?;
        Ok::<_, anyhow::Error>(socket.answer(asked).await?.is_ok())
    };
    ensure!(open_from("https://shop.example").await? && !open_from("https://new.example").await?);
    // What is changed holds at once, and what is not named stays.
    let changed =
        ["workspace", "set", "shop", "--origin", "https://new.example", "--origin", "https://old.example"];
    printed(&world.command(&changed).await?)?;
    ensure!(open_from("https://new.example").await? && !open_from("https://shop.example").await?);
    printed(&world.command(&["workspace", "set", "shop", "--require-verification"]).await?)?;
    ensure!(!open_from("https://new.example").await?);
    printed(&world.command(&["workspace", "set", "shop", "--require-verification", "off"]).await?)?;
    ensure!(open_from("https://old.example").await?);
    printed(&world.command(&["workspace", "set", "shop", "--no-origins"]).await?)?;
    ensure!(!open_from("https://old.example").await?);

    for (arguments, code) in [
        (vec!["workspace", "add", "shop"], 1),
        (vec!["workspace", "add", "Not A Name"], 1),
        (vec!["workspace", "add", "other", "--origin", "shop.example/path"], 1),
        (vec!["workspace", "set", "nowhere", "--no-origins"], 1),
        (vec!["workspace", "rename", "shop"], 2),
        (vec!["workspace"], 2),
    ] {
        failure(&world.command(&arguments).await?, code).with_context(|| arguments.join(" "))?;
    }
    ensure!(printed(&world.command(&["workspace", "list"]).await?)?.lines().count() == 2);
    Ok(())
}

async fn an_account_that_is_added_prints_its_password_last(world: World) -> Result<()> {
    world.start().await?;
    let add = ["user", "add", "--email", "ann@shop.example", "--role", "staff"];
    let password = last_line(&world.command(&add).await?)?;
    ensure!(password.len() >= 12 && !password.contains(' '), "{password}");
    let given = ["user", "add", "--email", "bob@shop.example", "--role", "admin", "--password-stdin"];
    let output = world.command_with_input(&given, "correct horse battery\n").await?;
    let said = format!("{}{}", printed(&output)?, String::from_utf8_lossy(&output.stderr));
    ensure!(!said.contains("correct horse"), "who brought it knows it: {said}");

    let listed = printed(&world.command(&["user", "list"]).await?)?;
    let line = |email: &str| listed.lines().find(|line| line.starts_with(email)).map(str::to_owned);
    ensure!(line("ann@shop.example").is_some_and(|line| line.contains("staff") && line.contains("default")));
    ensure!(line("bob@shop.example").is_some_and(|line| line.contains("admin")), "{listed}");
    let stored =
        world.rows("select password_hash from users where workspace_id is null and email like '%shop%'");
    for row in stored.await? {
        let hash = row["password_hash"].as_str().context("a hash")?.to_owned();
        ensure!(hash.starts_with("$argon2id$") && !hash.contains(&password), "{hash}");
    }
    // Again is another role, not another account.
    let more = ["user", "add", "--email", "ANN@shop.example", "--role", "supervisor"];
    printed(&world.command(&more).await?)?;
    let accounts =
        "select count(*) from users where workspace_id is null and lower(email) = 'ann@shop.example'";
    ensure!(world.value(accounts).await? == 1);

    printed(&world.command(&["user", "revoke", "ann@shop.example"]).await?)?;
    let listed = printed(&world.command(&["user", "list"]).await?)?;
    ensure!(listed.lines().any(|line| line.starts_with("ann@") && line.contains("revoked")), "{listed}");
    for (arguments, code) in [
        (vec!["user", "add", "--email", "nonsense", "--role", "staff"], 1),
        (vec!["user", "add", "--email", "c@shop.example", "--role", "staff", "--workspace", "nowhere"], 1),
        (vec!["user", "add", "--email", "c@shop.example", "--role", "owner"], 2),
        (vec!["user", "add", "--email", "c@shop.example"], 2),
        (vec!["user", "revoke", "nobody@shop.example"], 1),
    ] {
        failure(&world.command(&arguments).await?, code).with_context(|| arguments.join(" "))?;
    }
    let short = ["user", "add", "--email", "c@shop.example", "--role", "staff", "--password-stdin"];
    failure(&world.command_with_input(&short, "short\n").await?, 1)?;
    failure(&world.command_with_input(&short, "").await?, 1)?;
    ensure!(world.value("select count(*) from users where email like 'c@%'").await? == 0);
    Ok(())
}

async fn a_key_works_until_it_is_revoked(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let asked = json!({"conversation_id": visitor.conversation});
    world.rpc(Some(&key), "message.list", asked.clone()).await.context("from the moment it is added")?;
    opened(&world, json!({"token": key})).await?;
    let listed = printed(&world.command(&["key", "list"]).await?)?;
    ensure!(listed.lines().any(|line| line.starts_with("crm") && line.contains("service")), "{listed}");
    ensure!(!listed.contains(&key), "it is shown once");
    let kept = format!("select count(*) from api_keys k where k::text like '%{key}%'");
    ensure!(world.value(&kept).await? == 0 && !world.log()?.contains(&key), "and kept nowhere");

    failure(&world.command(&["key", "add", "--name", "crm", "--role", "service"]).await?, 1)?;
    printed(&world.command(&["key", "revoke", "crm"]).await?)?;
    let refusal = crate::http::refused(&world, Some(&key), "message.list", asked).await?;
    ensure!(refusal.kind == "unauthenticated", "from the moment it is revoked: {refusal}");
    let refusal = world.socket().await?.call_refused("session.open", json!({"token": key})).await?;
    ensure!(refusal.kind == "unauthenticated", "{refusal}");
    ensure!(!printed(&world.command(&["key", "list"]).await?)?.contains("crm"));
    // One name in two workspaces: which one has to be said, and the other goes on.
    for workspace in ["default", "*"] {
        printed(
            &world
                .command(&["key", "add", "--name", "twice", "--role", "service", "--workspace", workspace])
                .await?,
        )?;
    }
    failure(&world.command(&["key", "revoke", "twice"]).await?, 1)?;
    printed(&world.command(&["key", "revoke", "twice", "--workspace", "*"]).await?)?;
    failure(&world.command(&["key", "revoke", "twice", "--workspace", "*"]).await?, 1)?;
    ensure!(printed(&world.command(&["key", "list"]).await?)?.contains("twice"));
    printed(&world.command(&["key", "revoke", "twice"]).await?)?;
    failure(&world.command(&["key", "revoke", "crm"]).await?, 1)?;
    let again = add_key(&world, "crm", "service", "default").await?;
    ensure!(again != key, "the name is free again");
    for wrong in [["--role", "visitor"], ["--role", "owner"]] {
        failure(&world.command(&[&["key", "add", "--name", "x"], &wrong[..]].concat()).await?, 2)?;
    }
    failure(
        &world.command(&["key", "add", "--name", "x", "--role", "service", "--workspace", "no"]).await?,
        1,
    )?;
    Ok(())
}

async fn a_socket_whose_key_is_revoked_is_closed(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let other = add_key(&world, "till", "service", "default").await?;
    let (mut socket, _) = opened(&world, json!({"token": key})).await?;
    let (mut bystander, _) = opened(&world, json!({"token": other})).await?;
    printed(&world.command(&["key", "revoke", "crm"]).await?)?;
    let closed = socket.expect_close().await?;
    ensure!(closed.code == 4502, "credentials revoked: {closed}");
    bystander.call("session.open", json!({"token": other})).await?;
    Ok(())
}

async fn commands_work_where_no_server_runs_too(world: World) -> Result<()> {
    let early = failure(&world.command(&["workspace", "list"]).await?, 1)?;
    ensure!(early.contains("--data"), "there is nothing yet, and how that is mended: {early}");
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    visitor.lose();
    world.stop().await?;
    add_workspace(&world, "shop", &[]).await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    ensure!(printed(&world.command(&["workspace", "list"]).await?)?.lines().count() == 2);
    world.start().await?;
    let page =
        world.rpc(Some(&key), "message.list", json!({"conversation_id": visitor.conversation})).await?;
    ensure!(page["messages"][0]["content"] == "hello");
    let (_, there) = opened(&world, json!({"workspace": "shop"})).await?;
    ensure!(!conversation(&there).is_empty());
    Ok(())
}

async fn the_control_socket_is_its_owners_alone(world: World) -> Result<()> {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    world.start().await?;
    let path = world.data().join("control.sock");
    let metadata = std::fs::metadata(&path)?;
    ensure!(metadata.file_type().is_socket() && metadata.permissions().mode() & 0o777 == 0o600);
    for request in ["\n", "nonsense\n", "{\"command\":\"no_such\"}\n", "{\"command\":\"user_revoke\"}\n"] {
        let mut socket = tokio::net::UnixStream::connect(&path).await?;
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        within("an answer", async { Ok(socket.read_to_string(&mut answer).await?) }).await?;
        let answer: Value = serde_json::from_str(answer.trim())?;
        ensure!(answer["error"].is_string(), "{request:?}: {answer}");
    }
    // Who says nothing, or goes in the middle of a word, is no trouble.
    let mut silent = tokio::net::UnixStream::connect(&path).await?;
    silent.write_all(b"{\"command\":").await?;
    drop(silent);
    printed(&world.command(&["workspace", "list"]).await?)?;
    world.stop().await?;
    ensure!(!path.exists(), "a server that has stopped leaves none behind");
    Ok(())
}
