//! The transport: sizes, encodings, half frames, heartbeats, and the close code of everything that is wrong.

use std::time::Instant;

use switchboard_tests::prelude::*;
use switchboard_tests::socket::Closed;

use crate::commands::add_key;
use crate::messages::text;
use crate::wire_faults::is_unharmed;
use raw::{FIN, PING, PONG, Raw, TEXT};

mod raw;

pub(crate) const TESTS: &[Test] = tests![
    who_opens_nothing_and_who_answers_no_ping_is_closed,
    a_client_that_names_only_other_subprotocols_is_refused,
    a_visitors_frame_is_at_most_128_kib,
    a_frame_of_a_service_is_at_most_1_mib,
    what_is_larger_than_1_mib_closes_with_1009,
    what_is_not_utf8_closes_with_1007,
    a_binary_frame_closes_with_4500,
    a_frame_that_breaks_the_websocket_protocol_ends_its_socket_only,
    a_frame_may_come_in_pieces,
    half_a_frame_harms_nobody,
    a_ping_is_answered_with_its_own_words,
];

/// One request padded to exactly so many bytes, by a parameter that nobody knows.
fn padded(id: u64, method: &str, params: &Value, bytes: usize) -> Result<String> {
    let mut request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    request["params"]["padding"] = json!("");
    let missing = bytes.checked_sub(request.to_string().len()).context("it is longer already")?;
    request["params"]["padding"] = json!("x".repeat(missing));
    let text = request.to_string();
    ensure!(text.len() == bytes);
    Ok(text)
}

/// Ten seconds for the one and 33 for the other, so both in one test.
async fn who_opens_nothing_and_who_answers_no_ping_is_closed(world: World) -> Result<()> {
    world.start().await?;
    let begun = Instant::now();
    let mut idle = world.socket().await?;
    // What is sent does not count, only what is opened.
    idle.call_refused("no.such", json!({})).await?;
    idle.call_refused("session.open", json!({"resume": "nonsense"})).await?;
    let mut silent = Raw::connect(world.address()).await?;
    silent.send(FIN | TEXT, br#"{"jsonrpc":"2.0","id":1,"method":"session.open","params":{}}"#).await?;
    let mut attentive = world.visitor().await?;

    let opens_nothing = async {
        ensure!(idle.expect_close().await?.code == 4501);
        Ok(begun.elapsed().as_secs())
    };
    let answers_no_ping = async {
        let mut pinged = 0;
        loop {
            match silent.frame().await? {
                Some((raw::PING, _)) => pinged = begun.elapsed().as_secs(),
                Some((raw::CLOSE, payload)) => {
                    ensure!(payload.starts_with(&4004_u16.to_be_bytes()), "{payload:?}");
                    return Ok((pinged, begun.elapsed().as_secs()));
                }
                Some(_) => {}
                None => bail!("the connection was cut without a word"),
            }
        }
    };
    // It reads, so its library answers the pings.
    let socket = attentive.socket()?;
    let reads_on = async {
        loop {
            let nothing = socket.frame().await;
            if nothing.as_ref().is_err_and(anyhow::Error::is::<Closed>) {
                return nothing;
            }
        }
    };
    let (unopened, (pinged, closed)) = tokio::select! {
        both = async { tokio::try_join!(opens_nothing, answers_no_ping) } => both?,
        closed = reads_on => bail!("who answers is kept: {closed:?}"),
    };
    ensure!((10..15).contains(&unopened), "4501 after {unopened} s");
    ensure!((25..30).contains(&pinged), "a ping after {pinged} s");
    ensure!((8..13).contains(&(closed - pinged)), "4004 after {} s", closed - pinged);
    attentive.send("still here").await?;
    is_unharmed(&world, 1).await
}

async fn a_client_that_names_only_other_subprotocols_is_refused(world: World) -> Result<()> {
    world.start().await?;
    for (named, agreed) in [
        (None, None),
        (Some("switchboard.v1"), Some("switchboard.v1")),
        (Some("chat, switchboard.v1"), Some("switchboard.v1")),
    ] {
        let upgrade = Upgrade { protocol: named, ..Upgrade::default() };
        let mut socket = Socket::connect(world.address(), upgrade).await?;
        ensure!(socket.protocol.as_deref() == agreed, "{named:?}: {:?}", socket.protocol);
        socket.call("session.open", json!({})).await?;
    }
    for others in ["chat", "switchboard.v2", "switchboard.v1.1, graphql-ws"] {
        let upgrade = Upgrade { protocol: Some(others), ..Upgrade::default() };
        ensure!(Socket::refused(world.address(), upgrade).await? == 400, "{others}");
    }
    ensure!(world.get("/ws").await?.status() == 400, "no upgrade at all");
    is_unharmed(&world, 0).await
}

async fn a_visitors_frame_is_at_most_128_kib(world: World) -> Result<()> {
    const MOST: usize = 128 * 1024;
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let params = text(&visitor.conversation, "all of it");
    let socket = visitor.socket()?;
    socket.send_text(&padded(7, "message.send", &params, MOST)?).await?;
    ensure!(socket.frame().await?["result"]["seq"] == 1, "so large, and no larger");

    let whole = |bytes| padded(8, "message.send", &params, bytes);
    let batch = format!("[{}]", whole(MOST)?);
    let notification = whole(MOST + 100)?.replacen(r#""id":8,"#, "", 1);
    for (frame, id) in [
        (whole(MOST + 1)?, json!(8)),
        (whole(1024 * 1024)?, json!(8)),
        (whole(MOST + 100)?.replacen(":8,", ":\"x\",", 1), json!("x")),
        (batch, Value::Null),
        (notification, Value::Null),
        ("x".repeat(MOST + 1), Value::Null),
    ] {
        socket.send_text(&frame).await?;
        let mut answer = socket.frame().await?;
        ensure!(answer.get("id") == Some(&id), "{answer}");
        let error = RpcError::from(answer["error"].take());
        ensure!(error.code == -32013 && error.kind == "too_large" && error.data["limit"] == MOST, "{error}");
    }
    let id = &params["conversation_id"].clone();
    let last = text(id.as_str().unwrap_or_default(), "the socket is as it was");
    ensure!(socket.call("message.send", last).await?["seq"] == 2);
    is_unharmed(&world, 2).await
}

async fn a_frame_of_a_service_is_at_most_1_mib(world: World) -> Result<()> {
    world.start().await?;
    let key = add_key(&world, "crm", "service", "default").await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let mut socket = world.socket().await?;
    socket.call("session.open", json!({"token": key})).await?;
    let params = json!({"conversation_id": visitor.conversation});
    socket.send_text(&padded(9, "message.list", &params, 1024 * 1024)?).await?;
    ensure!(socket.frame().await?["result"]["messages"][0]["content"] == "hello");
    // A visitor on that socket is a visitor.
    socket.call("session.open", json!({})).await?;
    socket.send_text(&padded(10, "message.list", &params, 128 * 1024 + 1)?).await?;
    ensure!(socket.frame().await?["error"]["data"]["limit"] == 128 * 1024);
    Ok(())
}

async fn what_is_larger_than_1_mib_closes_with_1009(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    visitor.send("hello").await?;
    let params = text(&visitor.conversation, "too much");
    let large = padded(7, "message.send", &params, 1024 * 1024 + 1)?;
    // The server may close before it has taken all of it.
    let _ = visitor.socket()?.send_text(&large).await;
    ensure!(visitor.socket()?.expect_close().await?.code == 1009);
    ensure!(visitor.resume().await?);

    // In pieces, none of which is large.
    let mut raw = Raw::connect(world.address()).await?;
    for at in 0..20_u8 {
        let first = if at == 0 { TEXT } else { 0 };
        if raw.send(first, &vec![b' '; 60_000]).await.is_err() {
            break;
        }
    }
    ensure!([1009, 1006].contains(&raw.close_code().await?));
    visitor.send("and here I am again").await?;
    is_unharmed(&world, 2).await
}

async fn what_is_not_utf8_closes_with_1007(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let request = json!({"jsonrpc": "2.0", "id": 7, "method": "message.send",
        "params": text(&visitor.conversation, "\u{e9}")});
    let latin1: Vec<u8> =
        request.to_string().chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect();
    for bytes in [latin1.as_slice(), b"\xff\xfe", b"\xed\xa0\x80", b"\xf0\x9f\x98"] {
        visitor.socket()?.send_text_of_bytes(bytes).await?;
        ensure!(visitor.socket()?.expect_close().await?.code == 1007, "{bytes:?}");
        visitor = world.visitor().await?;
    }
    // Half of a surrogate pair is JSON, and no Unicode.
    let half = r#"{"jsonrpc":"2.0","id":1,"method":"message.send","params":{"content":"\ud83d"}}"#;
    visitor.socket()?.send_text(half).await?;
    let kind = visitor.socket()?.frame().await?["error"]["data"]["kind"].take();
    ensure!(kind == "invalid_params" || kind == "parse_error", "{kind}");
    is_unharmed(&world, 0).await
}

async fn a_binary_frame_closes_with_4500(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let request = json!({"jsonrpc": "2.0", "id": 7, "method": "message.send",
        "params": text(&visitor.conversation, "in binary")});
    for bytes in [request.to_string().as_bytes(), b"", b"\0\0"] {
        visitor.socket()?.send_binary(bytes).await?;
        ensure!(visitor.socket()?.expect_close().await?.code == 4500);
        visitor = world.visitor().await?;
    }
    is_unharmed(&world, 0).await
}

async fn a_frame_that_breaks_the_websocket_protocol_ends_its_socket_only(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let request = br#"{"jsonrpc":"2.0","id":1,"method":"session.open","params":{}}"#;
    let unmasked = [&[FIN | TEXT, u8::try_from(request.len())?], request.as_slice()].concat();
    for (what, bytes) in [
        ("unmasked", unmasked),
        ("a reserved opcode", raw::frame(FIN | 0x3, request)),
        ("a reserved bit", raw::frame(FIN | 0x40 | TEXT, request)),
        ("a continuation of nothing", raw::frame(FIN, request)),
        ("a ping in pieces", raw::frame(PING, b"x")),
        ("a ping of 126 bytes", raw::frame(FIN | PING, &[b'x'; 126])),
        ("a text within a text", [raw::frame(TEXT, b"{"), raw::frame(FIN | TEXT, request)].concat()),
        ("more bytes than there are", [&[FIN | TEXT, 0xFF], &u64::MAX.to_be_bytes()[..], &[0; 4]].concat()),
    ] {
        let mut raw = Raw::connect(world.address()).await?;
        raw.send_bytes(&bytes).await?;
        let code = raw.close_code().await?;
        ensure!([1002, 1006, 1009].contains(&code), "{what} closes with {code}");
    }
    visitor.send("nobody else notices").await?;
    is_unharmed(&world, 1).await
}

async fn a_frame_may_come_in_pieces(world: World) -> Result<()> {
    world.start().await?;
    let request =
        json!({"jsonrpc": "2.0", "id": 1, "method": "session.open", "params": {"session_id": "\u{1f600}"}});
    let request = request.to_string().into_bytes();
    let mut raw = Raw::connect(world.address()).await?;
    for byte in raw::frame(FIN | TEXT, &request) {
        raw.send_bytes(&[byte]).await?;
    }
    let (_, whole) = raw.frame().await?.context("an answer")?;
    let opened: Value = serde_json::from_slice(&whole)?;
    ensure!(opened["result"]["conversation"]["session_id"] == "\u{1f600}", "{opened}");

    // Fragments that cut a character in two, with a ping between them.
    let mut raw = Raw::connect(world.address()).await?;
    let cut = request.iter().position(|byte| *byte == 0xF0).context("its first byte")? + 2;
    raw.send(TEXT, &request[..cut]).await?;
    raw.send(FIN | PING, b"between").await?;
    raw.send(0, b"").await?;
    raw.send(FIN, &request[cut..]).await?;
    ensure!(raw.frame().await? == Some((PONG, b"between".to_vec())));
    let (opcode, whole) = raw.frame().await?.context("an answer")?;
    let opened: Value = serde_json::from_slice(&whole)?;
    ensure!(opcode == TEXT && opened["result"]["conversation"]["session_id"] == "\u{1f600}", "{opened}");
    Ok(())
}

async fn half_a_frame_harms_nobody(world: World) -> Result<()> {
    world.start().await?;
    let mut visitor = world.visitor().await?;
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "message.send",
        "params": text(&visitor.conversation, "only half of this is sent")});
    let frame = raw::frame(FIN | TEXT, request.to_string().as_bytes());
    for length in [1, 2, 4, 7, frame.len() / 2, frame.len() - 1] {
        let mut raw = Raw::connect(world.address()).await?;
        let open =
            json!({"jsonrpc": "2.0", "id": 0, "method": "session.open", "params": {"token": visitor.token}});
        raw.send(FIN | TEXT, open.to_string().as_bytes()).await?;
        raw.frame().await?.context("the answer to the open")?;
        raw.send_bytes(&frame[..length]).await?;
        drop(raw);
    }
    visitor.send("and nobody notices").await?;
    let said = visitor.send_as(Uuid::new_v4(), "nor later").await?;
    ensure!(said.seq == 2);
    is_unharmed(&world, 2).await
}

async fn a_ping_is_answered_with_its_own_words(world: World) -> Result<()> {
    world.start().await?;
    let mut raw = Raw::connect(world.address()).await?;
    for words in [&b""[..], b"hello", &[0xFF; 125]] {
        raw.send(FIN | PING, words).await?;
        ensure!(raw.frame().await? == Some((PONG, words.to_vec())));
    }
    // A pong that nobody asked for is no answer that is owed.
    raw.send(FIN | PONG, b"unasked").await?;
    raw.send(FIN | raw::CLOSE, &1000_u16.to_be_bytes()).await?;
    let code = raw.close_code().await?;
    ensure!(code == 1000, "a proper close is answered properly: {code}");
    is_unharmed(&world, 0).await
}
