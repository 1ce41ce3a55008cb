//! `POST /rpc`: the same requests without a socket.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::body::{Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use switchboard_protocol::limits::RPC_BODY;
use switchboard_protocol::methods::{MessageSend, SessionOpen};
use switchboard_protocol::{
    ErrorKind, Frame, Incoming, Invalid, Item, Method, RequestId, RpcError, envelope, failure, params,
    response,
};
use tokio::sync::oneshot;

use super::Http;
use crate::access::limits::VISITOR_REQUESTS;
use crate::rpc::{Peer, Standing, may, wire};
use crate::session::Refusal;
use crate::session::room::Saying;
use crate::socket::peer;

mod reply;

pub async fn answer(
    State(http): State<Http>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let peer = peer(request.headers(), address.ip(), &http.forwarding);
    let bearer = bearer(request.headers());
    let Ok(body) = to_bytes(request.into_body(), RPC_BODY).await else {
        let text = failure(&RequestId::Null, &RpcError::too_large(RPC_BODY));
        return json(StatusCode::PAYLOAD_TOO_LARGE, text);
    };
    let response = carry_out(&http, &peer, bearer.as_deref(), &body).await;
    allow_origin(response, peer.origin.as_deref())
}

/// Browsers ask first. Which origins may open what is decided by the workspace, in `session.open`.
pub async fn preflight(headers: HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let allowed = response.headers_mut();
    allowed.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    allowed.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type"),
    );
    allowed.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    allow_origin(response, headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()))
}

/// No cookie is ever a credential here, so any page may ask; without a token it is a stranger.
pub fn allow_origin(mut response: Response, origin: Option<&str>) -> Response {
    if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(origin).ok()) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

pub fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn carry_out(http: &Http, peer: &Peer, bearer: Option<&str>, body: &Bytes) -> Response {
    let frame = std::str::from_utf8(body).map_err(|_| RpcError::parse_error()).and_then(Frame::parse);
    let (text, unauthenticated) = match frame {
        Err(error) => (Some(failure(&RequestId::Null, &error)), false),
        Ok(Frame::One(item)) => {
            let (text, unauthenticated) = one(http, peer, bearer, item).await;
            (text, unauthenticated)
        }
        Ok(Frame::Batch(items)) => {
            let mut answers = Vec::with_capacity(items.len());
            for item in items {
                answers.extend(one(http, peer, bearer, item).await.0);
            }
            (envelope::batch(&answers), false)
        }
    };
    match text {
        Some(text) if unauthenticated => json(StatusCode::UNAUTHORIZED, text),
        Some(text) => json(StatusCode::OK, text),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

/// The answer to one request, and whether it is that nobody knows who asks.
async fn one(http: &Http, peer: &Peer, bearer: Option<&str>, item: Item<'_>) -> (Option<String>, bool) {
    let call = match item {
        Item::Call(call) => call,
        Item::Invalid(Invalid { id, error }) => return (Some(failure(&id, &error)), false),
        Item::Response => return (None, false),
    };
    let id = call.id.clone().unwrap_or(RequestId::Null);
    let outcome = perform(http, peer, bearer, &call, &id).await;
    let unauthenticated = outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unauthenticated);
    let text = outcome.unwrap_or_else(|error| failure(&id, &error));
    (call.id.is_some().then_some(text), unauthenticated)
}

async fn perform(
    http: &Http,
    peer: &Peer,
    bearer: Option<&str>,
    call: &Incoming<'_>,
    id: &RequestId,
) -> Result<String, RpcError> {
    let method = Method::named(&call.method)
        .filter(|method| method.over_http())
        .ok_or_else(|| RpcError::method_not_found(&call.method))?;
    metrics::counter!("switchboard_requests_total", "method" => method.name()).increment(1);
    if method == Method::SessionOpen {
        let mut opening: SessionOpen = params::read(call.params)?;
        opening.token = opening.token.or_else(|| bearer.map(Into::into));
        let (_, opened) = http.desk.open(opening, peer, None).await?;
        return Ok(response(id, &opened));
    }
    let standing = standing(http, bearer, call).await?;
    if method == Method::MessageSend {
        return send(http, &standing, call, id).await;
    }
    http.desk.call(&standing, None, method, id, call.params).await
}

/// Who sends this request; a visitor no oftener than over a socket.
async fn standing(http: &Http, bearer: Option<&str>, call: &Incoming<'_>) -> Result<Standing, RpcError> {
    let credential = bearer
        .ok_or_else(|| RpcError::unauthenticated("Send a token or a key as `Authorization: Bearer …`."))?;
    let workspace = call.params.and_then(workspace_of);
    let standing = http.desk.standing(credential, workspace.as_deref()).await?;
    if standing.caller.is_visitor() && http.desk.limits {
        let taken = http.desk.requests_over_http.take(standing.caller.id, VISITOR_REQUESTS, Instant::now());
        taken.map_err(|wait| RpcError::rate_limited(wire::millis(wait)))?;
    }
    Ok(standing)
}

/// The workspace that a key for all workspaces names beside its parameters.
fn workspace_of(raw: &serde_json::value::RawValue) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Named {
        workspace: Option<String>,
    }
    serde_json::from_str::<Named>(raw.get()).ok()?.workspace
}

async fn send(
    http: &Http,
    standing: &Standing,
    call: &Incoming<'_>,
    id: &RequestId,
) -> Result<String, RpcError> {
    let standing = may(standing, Method::MessageSend)?;
    let params: MessageSend = params::read(call.params)?;
    let patience = params.wait_reply_ms.map(|ms| Duration::from_millis(ms.into()));
    let (room, draft) = http.desk.accept(&standing, params).await?;
    let waiting = patience.map(|patience| (reply::Waiting::in_room(&room), patience));
    let (told, answer) = oneshot::channel();
    let reply = Box::new(move |outcome| {
        // A client that went away no longer asks.
        let _ = told.send(outcome);
    });
    room.say(vec![Saying { draft, from: None, reply: Some(reply) }]).await;
    let outcome = answer.await.unwrap_or(Err(Refusal::Unavailable));
    let mut sent = wire::sent(outcome, &http.desk.epoch)?;
    if let (Some((waiting, patience)), Some(seq)) = (waiting, sent.seq) {
        sent.reply = waiting.after(seq, patience).await.map(|message| wire::message(&message).into());
    }
    Ok(response(id, &sent))
}
