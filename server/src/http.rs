//! The HTTP side: sockets are accepted, pages and files served, requests without a socket answered.

mod accept;
mod assets;
mod auth;
mod history;
mod operations;
mod rest;
mod rpc;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;

use crate::rpc::Desk;
use crate::socket::{self, Forwarding, Sockets};
use crate::telemetry::Metrics;

pub use accept::{accept, bind};

/// What the handlers share.
#[derive(Clone)]
pub struct Http {
    pub desk: Arc<Desk>,
    pub sockets: Sockets,
    pub forwarding: Forwarding,
    pub metrics: Metrics,
    /// Set once the server is about to stop.
    pub draining: CancellationToken,
}

pub fn router(http: Http) -> Router {
    let sockets = (http.sockets.clone(), http.forwarding.clone());
    Router::new()
        .route("/rpc", post(rpc::answer).options(rpc::preflight))
        .route("/api/conversations/{id}/history", get(history::history))
        .route("/api/auth/register", post(auth::register).options(rpc::preflight))
        .route("/api/auth/login", post(auth::login).options(rpc::preflight))
        .route("/api/auth/refresh", post(auth::refresh).options(rpc::preflight))
        .route("/api/auth/logout", post(auth::logout).options(rpc::preflight))
        .route("/api/auth/me", get(auth::me).options(rpc::preflight))
        .route("/healthz", get(operations::alive))
        .route("/readyz", get(operations::ready))
        .route("/metrics", get(operations::metrics))
        .route("/protocol.json", get(operations::protocol))
        .with_state(http)
        .merge(Router::new().route("/ws", get(socket::upgrade)).with_state(sockets))
        .fallback(get(assets::file))
        .layer(axum::middleware::map_response(assets::harden))
}
