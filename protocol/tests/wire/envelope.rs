//! Frames: what is a call, what is refused and with which id, and that nothing makes it panic.

use proptest::prelude::*;
use serde_json::{Value, json};
use switchboard_protocol::envelope::{self, Received, readable_id};
use switchboard_protocol::{ErrorKind, Frame, Incoming, Item, RequestId, RpcError, failure, response};

#[test]
fn a_request_is_borrowed_from_its_frame() {
    let text = r#" {"jsonrpc":"2.0","id":7,"method":"message.send","params":{"content":"hi"},"extra":[1]} "#;
    let Incoming { id, method, params } = call(text);
    assert_eq!(id, Some(RequestId::Integer(7)));
    assert!(matches!(method, std::borrow::Cow::Borrowed("message.send")));
    assert_eq!(params.unwrap().get(), r#"{"content":"hi"}"#);
}

#[test]
fn a_notification_has_no_id() {
    assert_eq!(call(r#"{"jsonrpc":"2.0","method":"typing"}"#).id, None);
    assert_eq!(call(r#"{"jsonrpc":"2.0","method":"typing","id":null}"#).id, Some(RequestId::Null));
}

#[test]
fn params_may_be_named_or_positional_or_null() {
    let params = |params: &str| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{params}}}"#);
        call(&text).params.map(|raw| raw.get().to_owned())
    };
    assert_eq!(params(r#"{"a":[]}"#).unwrap(), r#"{"a":[]}"#);
    assert_eq!(params("[1]").unwrap(), "[1]");
    assert_eq!(params("null"), None);
}

#[test]
fn escapes_in_names_are_understood() {
    let incoming = call(r#"{"jsonrpc":"2.0","\u0069d":"\u0061","m\u0065thod":"typin\u0067"}"#);
    assert_eq!((incoming.id, &*incoming.method), (Some("a".into()), "typing"));
}

#[test]
fn ids_are_echoed_exactly() {
    for id in [
        "1",
        "-3",
        "0",
        "-0",
        "1.50",
        "1e2",
        "123456789012345678901234567890",
        "\"\"",
        "\"é\\n\\\"\"",
        "null",
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
        let echoed = call(&text).id.unwrap();
        assert_eq!(response(&echoed, &json!({})), format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
}

#[test]
fn what_is_not_a_request_is_answered_with_the_id_that_can_be_read() {
    for (text, id) in [
        (r#"{"id":1,"method":"m"}"#, json!(1)),
        (r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#, json!(1)),
        (r#"{"jsonrpc":2.0,"id":"a","method":"m"}"#, json!("a")),
        (r#"{"jsonrpc":"2.0","id":1}"#, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":1}"#, json!(1)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#, json!(1)),
        (r#"{"jsonrpc":"2.0","method":"m","params":"bar"}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":1,"method":"m","params":3}"#, json!(1)),
        (r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"m"}"#, json!(null)),
        (r#"{"jsonrpc":"2.0","id":true,"method":"m"}"#, json!(null)),
        ("{}", json!(null)),
        ("1", json!(null)),
        ("-1.5", json!(null)),
        ("true", json!(null)),
        ("null", json!(null)),
        (r#""text""#, json!(null)),
    ] {
        let Ok(Frame::One(Item::Invalid(invalid))) = Frame::parse(text) else { panic!("accepted: {text}") };
        assert_eq!(invalid.error.kind(), ErrorKind::InvalidRequest, "{text}");
        assert_eq!(json!(invalid.id), id, "{text}");
    }
}

#[test]
fn what_is_not_json_is_a_parse_error() {
    for text in [
        "",
        " ",
        "{",
        "{\"a\":}",
        "[1,",
        "[{\"id\":1}",
        "hello",
        "{} {}",
        "[] 1",
        "\u{feff}{}",
        "{\"id\":01}",
    ] {
        let error = Frame::parse(text).expect_err(text);
        assert_eq!(error.kind(), ErrorKind::ParseError, "{text}");
    }
}

#[test]
fn batches_keep_their_order_and_their_bad_items() {
    let text = r#"[{"jsonrpc":"2.0","id":1,"method":"a"}, 5, {"id":2}, ["2.0",1,"m"], {"jsonrpc":"2.0","method":"b"}]"#;
    let Ok(Frame::Batch(items)) = Frame::parse(text) else { panic!("refused: {text}") };
    let seen: Vec<_> = items
        .iter()
        .map(|item| match item {
            Item::Call(incoming) => incoming.method.to_string(),
            Item::Invalid(invalid) => format!("invalid {}", json!(invalid.id)),
            Item::Response => "response".to_owned(),
        })
        .collect();
    assert_eq!(seen, ["a", "invalid null", "invalid 2", "invalid null", "b"]);
}

#[test]
fn a_batch_holds_one_to_a_hundred() {
    let batch = |size| format!("[{}]", vec![r#"{"jsonrpc":"2.0","method":"m"}"#; size].join(","));
    for size in [1, 100] {
        let text = batch(size);
        assert!(matches!(Frame::parse(&text), Ok(Frame::Batch(items)) if items.len() == size));
    }
    for size in [0, 101, 5_000] {
        let error = Frame::parse(&batch(size)).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
}

#[test]
fn a_response_of_a_client_is_ignored() {
    for text in [
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"no"}}"#,
    ] {
        assert!(matches!(Frame::parse(text), Ok(Frame::One(Item::Response))), "{text}");
    }
}

#[test]
fn the_id_of_a_frame_too_large_is_read_where_it_can_be() {
    let large = "x".repeat(200_000);
    for (text, id) in [
        (format!(r#"{{"jsonrpc":"2.0","params":{{"id":1,"content":"{large}"}},"id":"a"}}"#), json!("a")),
        (format!(r#"{{"id":4,"x":"{large}"}}"#), json!(4)),
        (format!(r#"{{"id":4,"x":"{large}"#), json!(null)),
        (format!(r#"[{{"id":4,"x":"{large}"}}]"#), json!(null)),
        (format!(r#"{{"id":{{}},"x":"{large}"}}"#), json!(null)),
    ] {
        assert_eq!(json!(readable_id(&text)), id);
    }
}

#[test]
fn deep_nesting_is_no_danger() {
    let deep = format!("{}{}", "[".repeat(400_000), "]".repeat(400_000));
    assert!(Frame::parse(&deep).is_ok());
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{deep}}}"#);
    assert_eq!(call(&text).params.unwrap().get().len(), deep.len());
}

#[test]
fn answers_are_read_by_a_client() {
    let text = failure(&"a".into(), &RpcError::rate_limited(5));
    let Received::Answer { id, result: Err(error) } = Received::parse(&text).unwrap() else {
        panic!("{text}")
    };
    assert_eq!((id, error), ("a".into(), RpcError::rate_limited(5)));

    let text = response(&3.into(), &json!({ "cancelled": true }));
    let Received::Answer { id, result: Ok(raw) } = Received::parse(&text).unwrap() else { panic!("{text}") };
    assert_eq!((id, raw.get()), (3.into(), r#"{"cancelled":true}"#));

    let asked = envelope::request(&3.into(), "turn.cancel", &json!({}));
    assert_eq!(call(&asked).id, Some(3.into()));
    assert!(Received::parse(r#"{"jsonrpc":"2.0","id":1}"#).is_err());
}

#[test]
fn a_batch_is_answered_by_an_array() {
    assert_eq!(envelope::batch::<String>(&[]), None);
    let answers = [response(&1.into(), &json!({})), failure(&RequestId::Null, &RpcError::parse_error())];
    let frame = envelope::batch(&answers).unwrap();
    let parsed: Vec<Value> = serde_json::from_str(&frame).unwrap();
    assert_eq!((&parsed[0]["id"], &parsed[1]["error"]["code"]), (&json!(1), &json!(-32700)));
    assert_eq!(frame.len(), answers.iter().map(|answer| answer.len() + 1).sum::<usize>() + 1);
}

/// Text that is nearly a frame: pieces of one, in any order.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u0000",
        "\\ud800",
        "\"jsonrpc\"",
        "\"2.0\"",
        "\"id\"",
        "\"method\"",
        "\"params\"",
        "\"result\"",
        "\"error\"",
        "1",
        "-",
        "1e999",
        "null",
        "true",
        " ",
        "é",
        "\u{0}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"typing\",\"params\":",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        survive(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_near_miss_is_read_without_panic(text in nearly()) {
        survive(&text)?;
    }
}

/// Whatever comes, `serde_json` agrees on whether it is JSON at all.
fn survive(text: &str) -> Result<(), TestCaseError> {
    readable_id(text);
    match Frame::parse(text) {
        Err(error) if error.kind() == ErrorKind::ParseError => {}
        _ => prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()),
    }
    if let Ok(Frame::One(Item::Call(Incoming { params, .. }))) = Frame::parse(text) {
        _ = switchboard_protocol::params::read::<switchboard_protocol::methods::Typing>(params);
    }
    Ok(())
}

fn call(text: &str) -> Incoming<'_> {
    match Frame::parse(text) {
        Ok(Frame::One(Item::Call(incoming))) => incoming,
        other => panic!("{text}: {other:?}"),
    }
}
