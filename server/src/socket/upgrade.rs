//! From an HTTP request to a socket: the handshake, and what is remembered of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::{OnUpgrade, Parts};
use hyper_util::rt::TokioIo;
use switchboard_protocol::PROTOCOL;
use switchboard_protocol::limits::READABLE_FRAME;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::Sockets;
use super::connection::Connection;
use crate::rpc::Peer;

/// A connection's place among those that the process can hold; given back with the last of its clones.
#[derive(Clone)]
pub struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Place {
    pub fn new(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: Arc::new(permit) }
    }
}

/// Finds the client's address behind proxies that are trusted to name it.
pub type Forwarding = Arc<dyn Fn(IpAddr, Option<&str>) -> IpAddr + Send + Sync>;

/// An idle visitor should cost little: the default of the library is 128 KiB each way.
const READ_BUFFER: usize = 512;
const WRITE_BUFFER: usize = 4 * 1024;

/// Answers `GET /ws`.
pub async fn upgrade(
    State((sockets, forwarding)): State<(Sockets, Forwarding)>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    if sockets.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "The server is stopping; come back in a moment.")
            .into_response();
    }
    let refusal = match handshake(request.headers()) {
        Ok((accept, protocol)) => match request.extensions_mut().remove::<OnUpgrade>() {
            Some(upgraded) => {
                let peer = peer(request.headers(), address.ip(), &forwarding);
                let place = request.extensions_mut().remove::<Place>();
                sockets.spawn(upgraded, peer, place);
                return switching(&accept, protocol);
            }
            None => "This connection cannot be upgraded to a WebSocket.",
        },
        Err(refusal) => refusal,
    };
    (StatusCode::BAD_REQUEST, refusal).into_response()
}

/// What a client of this address and these headers is known by.
pub fn peer(headers: &HeaderMap, address: IpAddr, forwarding: &Forwarding) -> Peer {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // A proxy may add a line of its own below one that the client has made up: together they are one list.
    let forwarded: Vec<_> =
        headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    let forwarded = (!forwarded.is_empty()).then(|| forwarded.join(", "));
    Peer {
        address: forwarding(address, forwarded.as_deref()),
        origin: text(header::ORIGIN).map(Into::into),
        host: text(header::HOST).map(Into::into),
    }
}

impl Sockets {
    fn spawn(&self, upgraded: OnUpgrade, peer: Peer, place: Option<Place>) {
        let sockets = self.clone();
        self.tasks.spawn(async move {
            // A client that went away between request and answer is nobody's fault.
            let Some(socket) = Box::pin(websocket(upgraded)).await else { return };
            let outbound = sockets.enter();
            let id = outbound.id;
            let mut connection = Connection::new(socket, outbound, sockets.desk.clone(), peer);
            connection.run().await;
            sockets.leave(id);
            drop(place);
        });
    }
}

/// The bare stream as a WebSocket, with what the client sent before it had our answer.
async fn websocket(upgraded: OnUpgrade) -> Option<WebSocketStream<TcpStream>> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(READABLE_FRAME))
        .max_frame_size(Some(READABLE_FRAME));
    // What came early is copied: the buffer it is in is the 8 KiB of the whole request.
    let Parts { io, read_buf, .. } = upgraded.await.ok()?.downcast::<TokioIo<TcpStream>>().ok()?;
    let early = read_buf.to_vec();
    let stream = io.into_inner();
    Some(WebSocketStream::from_partially_read(stream, early, Role::Server, Some(config)).await)
}

/// The accept key, and the subprotocol to name: none for a client that named none.
fn handshake(headers: &HeaderMap) -> Result<(String, Option<&'static str>), &'static str> {
    let has = |name, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    if !has(header::CONNECTION, "upgrade") || !has(header::UPGRADE, "websocket") {
        return Err("This address speaks WebSocket: ask for an upgrade.");
    }
    if !has(header::SEC_WEBSOCKET_VERSION, "13") {
        return Err("Only version 13 of WebSocket is spoken here.");
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).ok_or("The header Sec-WebSocket-Key is missing.")?;
    let protocol = match headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        true if has(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL) => Some(PROTOCOL),
        true => return Err("The only subprotocol spoken here is switchboard.v1."),
        false => None,
    };
    Ok((derive_accept_key(key.as_bytes()), protocol))
}

fn switching(accept: &str, protocol: Option<&'static str>) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(protocol) = protocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    response
}
