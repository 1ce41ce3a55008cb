//! Logging in too often, too many at once, with too much, and from a page of somebody else's.

use switchboard_tests::prelude::*;
use switchboard_tests::world::printed;

use crate::auth::{PASSWORD, add_user, ask, log_in, post};

pub(crate) const TESTS: &[Test] = tests![
    an_address_has_5_tries_in_20_seconds,
    an_account_has_20_tries_in_5_minutes_from_wherever,
    more_logins_than_can_be_checked_are_unavailable_and_messages_go_on,
    a_body_is_bounded_and_every_bad_field_is_named,
    a_page_of_any_origin_may_ask_and_no_cookie_is_set,
];

/// Tries a wrong password until it is refused, and gives the number of tries and the refusal with its header.
async fn try_until_limited(world: &World, email: &str, address: Option<&str>) -> Result<(usize, Value, u64)> {
    for number in 0..50 {
        let body = json!({"email": email, "password": "wrong"});
        let mut request = world.http().post(world.url("/api/auth/login")).json(&body);
        if let Some(address) = address {
            request = request.header("x-forwarded-for", address);
        }
        let response = request.send().await?;
        if response.status() != 429 {
            ensure!(response.status() == 401, "{}", response.status());
            continue;
        }
        let after = response.headers().get("retry-after").context("Retry-After")?.to_str()?.parse()?;
        return Ok((number, response.json().await?, after));
    }
    bail!("50 tries, and none refused")
}

async fn an_address_has_5_tries_in_20_seconds(world: World) -> Result<()> {
    world.start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let (tries, refusal, after) = try_until_limited(&world, "nobody@shop.example", None).await?;
    ensure!(tries == 5, "{tries}");
    let error = &refusal["error"];
    ensure!(error["code"] == -32029 && error["data"]["kind"] == "rate_limited", "{refusal}");
    let wait = error["data"]["retry_after_ms"].as_u64().context("retry_after_ms")?;
    ensure!((1..=20_000).contains(&wait) && after == wait.div_ceil(1_000), "{refusal}, {after}");
    // Neither another account, nor the right password, nor registering is a way round.
    let right = json!({"email": "kim@shop.example", "password": PASSWORD});
    ensure!(ask(&world, "login", None, &right).await?.0 == 429);
    printed(&world.command(&["workspace", "set", "default", "--registration", "open"]).await?)?;
    let register = json!({"email": "ann@home.example", "password": PASSWORD});
    ensure!(ask(&world, "register", None, &register).await?.0 == 429);
    world.stop().await?;
    world.with_arguments(&["--login-address-limit", "7/3600"]).start().await?;
    ensure!(try_until_limited(&world, "nobody@shop.example", None).await?.0 == 7, "as it is configured");
    Ok(())
}

async fn an_account_has_20_tries_in_5_minutes_from_wherever(world: World) -> Result<()> {
    world.with_arguments(&["--trusted-proxies", "127.0.0.1"]).start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    for email in ["kim@shop.example", "nobody@shop.example"] {
        let mut tries = 0;
        let mut refusals = Vec::new();
        for host in 1..=6 {
            // However it is spelled, it is the same account.
            let spelled = if host % 2 == 0 { email.to_uppercase() } else { email.to_owned() };
            let address = format!("203.0.{}.{host}", email.len());
            let (more, refusal, _) = try_until_limited(&world, &spelled, Some(&address)).await?;
            tries += more;
            refusals.push(refusal["error"]["data"]["retry_after_ms"].as_u64().context("a wait")?);
        }
        ensure!(tries == 20, "{tries} tries of {email}");
        ensure!(refusals.last().is_some_and(|wait| (20_001..=300_000).contains(wait)), "{refusals:?}");
    }
    let right = json!({"email": "kim@shop.example", "password": PASSWORD});
    let request = world.http().post(world.url("/api/auth/login")).json(&right);
    let refused = request.header("x-forwarded-for", "198.51.100.1").send().await?;
    ensure!(refused.status() == 429, "the right password neither, for now: {}", refused.status());
    Ok(())
}

async fn more_logins_than_can_be_checked_are_unavailable_and_messages_go_on(world: World) -> Result<()> {
    world.without_limits().start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let mut visitor = world.visitor().await?;
    let body = json!({"email": "kim@shop.example", "password": PASSWORD});
    let logins = (0..200).map(|_| post(&world, "login", None, &body));
    let logins = futures_util::future::join_all(logins);
    let talk = async {
        for number in 0..20 {
            visitor.send(&format!("number {number}")).await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let (answers, talked) = tokio::join!(logins, talk);
    talked?;
    let (mut entered, mut refused) = (0, 0);
    for answer in answers {
        let answer = answer?;
        match answer.status().as_u16() {
            200 => entered += 1,
            503 => {
                ensure!(answer.headers().contains_key("retry-after"));
                let error = answer.json::<Value>().await?["error"].take();
                ensure!(error["code"] == -32050 && error["data"]["kind"] == "unavailable", "{error}");
                refused += 1;
            }
            other => bail!("{other}"),
        }
    }
    ensure!(entered >= 32 && refused > 0, "{entered} came in, {refused} were told to come again");
    log_in(&world, "kim@shop.example", None).await.context("and it is over when it is over")?;
    Ok(())
}

async fn a_body_is_bounded_and_every_bad_field_is_named(world: World) -> Result<()> {
    world.without_limits().start().await?;
    printed(&world.command(&["workspace", "set", "default", "--registration", "open"]).await?)?;
    let fields = |answer: &Value| {
        let fields = answer["error"]["data"]["fields"].as_array().cloned().unwrap_or_default();
        fields.iter().filter_map(|bad| bad["field"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    for (path, body, bad) in [
        ("login", json!({}), vec!["email", "password"]),
        ("login", json!({"email": 5, "password": "x".repeat(1_025)}), vec!["email", "password"]),
        ("login", json!({"email": "a\u{0}b", "password": "x"}), vec!["email"]),
        ("refresh", json!({}), vec!["refresh_token"]),
        ("register", json!({"email": "a@b", "password": "short"}), vec!["password"]),
        ("register", json!({"email": "nobody", "password": PASSWORD}), vec!["email"]),
        ("logout", json!({"refresh_token": 5}), vec!["refresh_token"]),
    ] {
        let (status, answer) = ask(&world, path, None, &body).await?;
        let mut named = fields(&answer);
        named.sort();
        ensure!(status == 400 && named == bad, "{path} {body}: {status} {answer}");
    }
    for path in ["register", "login", "refresh", "logout"] {
        let request = world.http().post(world.url(&format!("/api/auth/{path}")));
        let response = request.try_clone().context("a clone")?.body("x".repeat(17 * 1024)).send().await?;
        let (status, answer) = (response.status(), response.json::<Value>().await?);
        ensure!(status == 413 && answer["error"]["data"] == json!({"kind": "too_large", "limit": 16_384}));
        let response = request.body("{").send().await?;
        ensure!(response.status() == 400, "{path}: {}", response.status());
        ensure!(response.json::<Value>().await?["error"]["data"]["kind"] == "parse_error");
        ensure!(world.get(&format!("/api/auth/{path}")).await?.status() == 405);
    }
    ensure!(
        world
            .value("select count(*) from users where workspace_id is null and email <> 'admin@localhost'")
            .await?
            == 0
    );
    Ok(())
}

async fn a_page_of_any_origin_may_ask_and_no_cookie_is_set(world: World) -> Result<()> {
    world.start().await?;
    add_user(&world, "kim@shop.example", "staff", "default").await?;
    let origin = "https://console.example";
    for path in ["register", "login", "refresh", "logout", "me"] {
        let url = world.url(&format!("/api/auth/{path}"));
        let preflight = world.http().request(reqwest::Method::OPTIONS, url).header("origin", origin);
        let allowed = preflight.send().await?;
        ensure!(allowed.status() == 204 && allowed.headers()["access-control-allow-origin"] == origin);
        let headers = allowed.headers()["access-control-allow-headers"].to_str()?;
        ensure!(headers.contains("authorization") && headers.contains("content-type"));
    }
    let body = json!({"email": "kim@shop.example", "password": PASSWORD});
    let answer =
        world.http().post(world.url("/api/auth/login")).header("origin", origin).json(&body).send().await?;
    ensure!(
        answer.headers()["access-control-allow-origin"] == origin && answer.headers()["vary"] == "origin"
    );
    ensure!(answer.headers().get("access-control-allow-credentials").is_none());
    ensure!(answer.headers().get("set-cookie").is_none() && answer.headers()["cache-control"] == "no-store");
    Ok(())
}
