//! Accepting connections: at a bounded rate, with bounded buffers, never more than the process can hold.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// A client that takes longer to say what it wants is holding a place for nothing.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// More of a header than this is not one of ours.
const HTTP_BUFFER: usize = 16 * 1024;
/// Connections that are still shaking hands; the rest wait in the kernel. A storm comes in as fast as it can be served.
const HANDSHAKES: usize = 256;

/// Takes connections until told to stop.
#[expect(clippy::disallowed_methods, reason = "tracked by the caller")]
pub async fn accept(
    listener: TcpListener,
    router: Router,
    most: usize,
    stop: CancellationToken,
    connections: TaskTracker,
) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES.min(most)));
    loop {
        let Ok(handshake) = handshakes.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles, most likely: wait until some are given back.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let router = router.clone();
        let stop = stop.clone();
        connections.spawn(async move {
            serve(stream, address, router, stop).await;
            drop(handshake);
        });
    }
}

/// One connection, until it has become a socket or has ended.
async fn serve(stream: TcpStream, address: SocketAddr, router: Router, stop: CancellationToken) {
    // Small frames should leave at once.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HTTP_BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // A client that breaks off is its own affair.
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
