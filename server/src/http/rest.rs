//! What is asked without JSON-RPC: the errors are the same, and the status says what kind they are of.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use switchboard_protocol::{ErrorKind, Fault, RpcError};

pub fn answer(outcome: Result<impl Serialize, RpcError>) -> Response {
    let outcome = outcome.and_then(|body| {
        serde_json::to_string(&body).map_err(|error| crate::rpc::wire::crash(&error.to_string()))
    });
    match outcome {
        Ok(text) => body(StatusCode::OK, text),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &RpcError) -> Response {
    let mut response = body(status(error.kind()), json!({ "error": error }).to_string());
    if let Fault::RateLimited { retry_after_ms } | Fault::Unavailable { retry_after_ms } = error.fault {
        let seconds = HeaderValue::from(retry_after_ms.div_ceil(1_000));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::ParseError
        | ErrorKind::InvalidRequest
        | ErrorKind::InvalidParams
        | ErrorKind::PositionLost => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound | ErrorKind::MethodNotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Much of what is answered is somebody's own: no cache keeps it.
fn body(status: StatusCode, text: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, text).into_response()
}
