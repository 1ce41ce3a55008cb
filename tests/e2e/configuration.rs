//! Settings: a wrong one is refused with its name, and a flag wins over the environment, that over the file.

use std::os::unix::fs::PermissionsExt as _;

use switchboard_tests::prelude::*;

use crate::commands::failure;
use crate::opening::opened;
use crate::tokens::claims;

pub(crate) const TESTS: &[Test] = tests![
    a_wrong_flag_is_refused_with_its_name,
    a_wrong_variable_is_refused_with_its_name,
    a_wrong_line_of_the_file_is_refused_with_its_number,
    a_short_signing_secret_is_refused_and_not_repeated,
    a_flag_wins_over_the_environment_and_that_over_the_file,
    data_of_another_database_is_not_taken_for_ones_own,
    a_second_server_on_the_same_data_is_refused,
];

async fn a_wrong_flag_is_refused_with_its_name(world: World) -> Result<()> {
    for (flag, wrong, code) in [
        ("--listen", "nonsense", 1),
        ("--listen", "127.0.0.1:99999", 1),
        ("--database", "mysql://127.0.0.1/x", 1),
        ("--database", "embeded", 1),
        ("--preset", "no_such_desk", 1),
        ("--limits", "maybe", 1),
        ("--trusted-proxies", "10.0.0.0/99", 1),
        ("--token-seconds", "0", 1),
        ("--drain-seconds", "soon", 1),
        ("--max-connections", "0", 1),
        ("--log-format", "xml", 1),
        ("--log", "loud", 1),
        ("--config", "/nowhere/at/all.toml", 1),
        ("--no-such-flag", "x", 2),
    ] {
        let said = failure(&world.command(&["serve", flag, wrong]).await?, code)?;
        let named = said.contains(flag) || (flag == "--config" && said.contains(wrong));
        ensure!(named, "{flag} {wrong}: {said}");
    }
    let said = failure(&world.command(&["serve", "--token-seconds=-5"]).await?, 1)?;
    ensure!(said.contains("--token-seconds"), "{said}");
    let said = failure(&world.command(&["serve", "--preset", "no_such_desk"]).await?, 1)?;
    ensure!(said.contains("relay"), "which there are: {said}");
    ensure!(!world.data().exists(), "nothing was begun");
    Ok(())
}

async fn a_wrong_variable_is_refused_with_its_name(world: World) -> Result<()> {
    for (variable, wrong) in [
        ("SWITCHBOARD_LISTEN", "nonsense"),
        ("SWITCHBOARD_LIMITS", "maybe"),
        ("SWITCHBOARD_TOKEN_SECONDS", "soon"),
        ("SWITCHBOARD_LOG_FORMAT", "xml"),
        ("DATABASE_URL", "mysql://ann:hunter2@127.0.0.1/x"),
    ] {
        let other = World::new("a wrong variable", world.lane())?;
        other.with_variable(variable, wrong);
        let said = failure(&other.command(&["serve"]).await?, 1)?;
        ensure!(said.contains(variable), "{variable}={wrong}: {said}");
        ensure!(!said.contains("hunter2"), "an address may hold a password: {said}");
    }
    Ok(())
}

async fn a_wrong_line_of_the_file_is_refused_with_its_number(world: World) -> Result<()> {
    let path = world.path("switchboard.toml");
    let named = path.to_str().context("a path that is text")?;
    for (content, parts) in [
        ("listen = \"127.0.0.1:0\"\nlisen = \"x\"\n", vec!["line 2", "lisen"]),
        ("\n\ntoken_seconds = \"soon\"\n", vec!["line 3", "token_seconds"]),
        ("limits = [\n", vec!["line"]),
        ("[server]\nlisten = \"127.0.0.1:0\"\n", vec!["line 1", "server"]),
        ("jwt_secret_key = \"hunter2\"\n", vec!["line 1", "jwt_secret_key", "32"]),
    ] {
        std::fs::write(&path, content)?;
        // The environment would win, and so does not say anything here.
        let other = World::new("a wrong line", world.lane())?;
        other.with_variable("JWT_SECRET_KEY", "");
        let said = failure(&other.command(&["serve", "--config", named]).await?, 1)?;
        ensure!(said.contains("switchboard.toml"), "{content}: {said}");
        ensure!(parts.iter().all(|part| said.contains(part)), "{content}: {said}");
        ensure!(!said.contains("hunter2"), "{said}");
    }
    Ok(())
}

async fn a_short_signing_secret_is_refused_and_not_repeated(world: World) -> Result<()> {
    for short in ["x", "hunter2", "0123456789012345678901234567890"] {
        let other = World::new("a short secret", world.lane())?;
        other.with_variable("JWT_SECRET_KEY", short);
        let said = failure(&other.command(&["serve"]).await?, 1)?;
        ensure!(said.contains("JWT_SECRET_KEY") && said.contains("32"), "{said}");
        ensure!(short.len() == 1 || !said.contains(short), "{said}");
    }
    // Where none is given one is made, kept for its owner alone, and found again.
    world.with_variable("JWT_SECRET_KEY", "").start().await?;
    let (_, first) = opened(&world, json!({})).await?;
    let mode = std::fs::metadata(world.data().join("secret"))?.permissions().mode();
    ensure!(mode & 0o777 == 0o600, "{mode:o}");
    world.restart().await?;
    let (_, again) = opened(&world, json!({"token": first["token"]})).await?;
    ensure!(again["conversation"]["conversation_id"] == first["conversation"]["conversation_id"]);
    Ok(())
}

async fn a_flag_wins_over_the_environment_and_that_over_the_file(world: World) -> Result<()> {
    let path = world.path("switchboard.toml");
    std::fs::write(&path, "token_seconds = 111\n")?;
    let lifetime = async || {
        let (_, opened) = opened(&world, json!({})).await?;
        let claims = claims(&opened["token"])?;
        Ok::<_, anyhow::Error>(claims["exp"].as_i64().unwrap_or(0) - claims["iat"].as_i64().unwrap_or(0))
    };
    world.with_arguments(&["--config", path.to_str().context("a path that is text")?]).start().await?;
    ensure!(lifetime().await? == 111);
    world.with_variable("SWITCHBOARD_TOKEN_SECONDS", "222").restart().await?;
    ensure!(lifetime().await? == 222);
    world.with_arguments(&["--token-seconds", "333"]).restart().await?;
    ensure!(lifetime().await? == 333);
    Ok(())
}

async fn data_of_another_database_is_not_taken_for_ones_own(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    visitor.lose();
    world.stop().await?;
    let other = match world.lane() {
        Lane::Embedded => "local",
        Lane::Local => "embedded",
    };
    let said = failure(&world.command(&["serve", "--listen", "127.0.0.1:0", "--database", other]).await?, 1)?;
    ensure!(said.contains("export") && said.contains("import"), "the way out: {said}");
    ensure!(said.contains(world.lane().name()), "{said}");
    world.start().await?;
    ensure!(world.stored_messages(&visitor.conversation).await?.len() == 1);
    Ok(())
}

async fn a_second_server_on_the_same_data_is_refused(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    failure(&world.command(&["serve", "--listen", "127.0.0.1:0"]).await?, 1)?;
    visitor.send("the first goes on").await?;
    ensure!(world.stored_messages(&visitor.conversation).await?.len() == 2);
    Ok(())
}
