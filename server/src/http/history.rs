//! A conversation's history as plain JSON, for programs that need nothing live.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use switchboard_protocol::ids::ConversationId;
use switchboard_protocol::{Method, RequestId, RpcError};

use super::rpc::bearer;
use super::{Http, rest};

#[derive(Deserialize)]
pub struct Wanted {
    limit: Option<u32>,
    before_seq: Option<i64>,
    /// For a key of all workspaces.
    workspace: Option<String>,
    #[serde(default)]
    include_metadata: bool,
}

pub async fn history(
    State(http): State<Http>,
    ConnectInfo(_): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    rest::answer(read(&http, &id, &wanted, bearer(&headers).as_deref()).await)
}

async fn read(http: &Http, id: &str, wanted: &Wanted, bearer: Option<&str>) -> Result<Value, RpcError> {
    let credential = bearer
        .ok_or_else(|| RpcError::unauthenticated("Send a token or a key as `Authorization: Bearer …`."))?;
    let standing = http.desk.standing(credential, wanted.workspace.as_deref()).await?;
    let id: ConversationId = id.parse().map_err(|_| RpcError::not_found("conversation"))?;
    let params = json!({ "conversation_id": id, "limit": wanted.limit, "before_seq": wanted.before_seq });
    let params = serde_json::value::to_raw_value(&params).map_err(|_| RpcError::parse_error())?;
    let text = http.desk.call(&standing, None, Method::MessageList, &RequestId::Null, Some(&params)).await?;
    let mut page: Value = serde_json::from_str(&text).map_err(|_| RpcError::parse_error())?;
    let mut page = page["result"].take();
    if !wanted.include_metadata
        && let Some(messages) = page["messages"].as_array_mut()
    {
        for message in messages {
            message.as_object_mut().map(|fields| fields.remove("metadata"));
        }
    }
    page["conversation_id"] = json!(id);
    Ok(page)
}
