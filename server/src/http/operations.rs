//! What operators and other programs look at: alive, ready, measured, described.

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use switchboard_protocol::methods::{Entry, METHODS};

use super::Http;
use crate::rpc::rights;

pub async fn alive() -> &'static str {
    "alive\n"
}

/// 200 when requests can be served; otherwise 503 and why.
pub async fn ready(State(http): State<Http>) -> Response {
    if http.draining.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    match http.desk.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::debug!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database is not reachable\n").into_response()
        }
    }
}

pub async fn metrics(State(http): State<Http>) -> Response {
    let registry = &http.desk.registry;
    let store = registry.store();
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    metrics::gauge!("switchboard_sessions").set(count(registry.count()));
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    metrics::gauge!("switchboard_tasks").set(count(tasks));
    metrics::gauge!("switchboard_lane_depth").set(count(store.writer.depth()));
    for (pool, status) in store.pool_status() {
        metrics::gauge!("switchboard_pool_connections", "pool" => pool).set(count(status.size));
        metrics::gauge!("switchboard_pool_available", "pool" => pool).set(count(status.available));
        metrics::gauge!("switchboard_pool_waiting", "pool" => pool).set(count(status.waiting));
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], http.metrics.render()).into_response()
}

/// The schema of everything that is spoken here, and which roles may call each method.
pub async fn protocol() -> Response {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        let mut document = switchboard_protocol::schema::document();
        for Entry { method, .. } in METHODS {
            let roles: Vec<_> = rights::allowed(*method).iter().map(|role| role.name()).collect();
            document["methods"][method.name()]["roles"] = roles.into();
        }
        document.to_string()
    });
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}
