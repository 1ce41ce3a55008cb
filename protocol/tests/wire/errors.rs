//! The table of errors and the close codes, as the contract has them.

use serde_json::{Value, json};
use switchboard_protocol::ids::Seq;
use switchboard_protocol::{CloseCode, ErrorKind, FieldProblem, Position, RpcError};

const ERRORS: &str = include_str!("../golden/errors.json");
const CLOSE_CODES: &str = include_str!("../golden/close_codes.json");

#[test]
fn the_table_of_errors() {
    let golden: Vec<Value> = serde_json::from_str(ERRORS).unwrap();
    let problem = |field: &str, problem: &str| FieldProblem { field: field.into(), problem: problem.into() };
    let made = [
        RpcError::parse_error(),
        RpcError::invalid_request("A request must be a JSON object."),
        RpcError::method_not_found("message.shout"),
        RpcError::invalid_params(vec![
            problem("content", "must not be empty"),
            problem("limit", "must be at most 200"),
        ]),
        RpcError::internal("5f2c"),
        RpcError::unauthenticated("The token has expired."),
        RpcError::forbidden("Only staff may do this."),
        RpcError::not_found("conversation"),
        RpcError::conflict("The conversation is closed.", &golden[8]["data"]["current"]),
        RpcError::position_lost(Position { epoch: "k3v9".into(), seq: Seq::new(2).unwrap() }),
        RpcError::too_large(131_072),
        RpcError::rate_limited(250),
        RpcError::unavailable("The database is away.", 1000),
    ];
    for ((kind, error), golden) in ErrorKind::ALL.into_iter().zip(&made).zip(&golden) {
        assert_eq!(json!(error), *golden);
        assert_eq!(error.kind(), kind);
        assert_eq!(golden["code"], kind.code());
        assert_eq!(golden["data"]["kind"], kind.name());
        assert_eq!(serde_json::from_value::<RpcError>(golden.clone()).unwrap(), *error);
    }
    assert_eq!((made.len(), golden.len()), (ErrorKind::ALL.len(), ErrorKind::ALL.len()));
}

#[test]
fn the_close_codes() {
    let made: Vec<_> = CloseCode::ALL
        .into_iter()
        .map(|close| json!({ "code": close.code(), "name": close.label(), "reconnect": close.reconnect() }))
        .collect();
    assert_eq!(Value::from(made), serde_json::from_str::<Value>(CLOSE_CODES).unwrap());
    for close in CloseCode::ALL {
        assert_eq!(CloseCode::of(close.code()), Some(close));
        assert_eq!(json!(close), close.label());
        assert!(close.reason().len() <= 123, "a close frame holds no more");
    }
    assert_eq!(CloseCode::of(1009), None);
}

#[test]
fn a_long_method_name_is_not_echoed_whole() {
    let error = RpcError::method_not_found(&"x".repeat(100_000));
    assert!(json!(error).to_string().len() < 400);
}
