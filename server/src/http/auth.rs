//! `/api/auth/…`: people log in, stay in and get out. Tokens travel in bodies and headers only, never in a cookie, so a
//! page of another origin has nothing to ride on.

use std::net::{IpAddr, SocketAddr};

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use serde_json::value::RawValue;
use switchboard_protocol::RpcError;
use switchboard_protocol::auth::{
    Account, AccountRole, LoggedIn, Login, Logout, Me, Refresh, Register, TokenType,
};
use switchboard_protocol::limits::AUTH_BODY;
use switchboard_protocol::methods::Empty;
use switchboard_protocol::params::{self, Params};

use super::rpc::{allow_origin, bearer};
use super::{Http, rest};
use crate::access::logins::{Refusal, Session};
use crate::domain::account::{self, LoginId, is_email};
use crate::domain::visitor::{Role, Roles, Workspace};
use crate::rpc::wire;
use crate::socket::peer;

/// How long to wait when too many passwords are being checked.
const BUSY_MS: u64 = 1_000;

pub async fn register(
    State(http): State<Http>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let asked = Asked::by(&http, address, &request);
    let outcome = async {
        let Register { email, password, name, workspace } = read(request).await?;
        if !is_email(&email) {
            return Err(RpcError::invalid_param("email", "must be an e-mail address"));
        }
        let slug = workspace.as_deref().unwrap_or(Workspace::DEFAULT);
        let workspace = http.desk.directory.workspace_called(slug).await.map_err(wire::store_error)?;
        // One that is not there answers like one that is closed.
        let workspace = workspace.filter(|workspace| workspace.registration_open).ok_or_else(|| {
            RpcError::forbidden("This workspace takes no registrations; ask whoever runs it for an account.")
        })?;
        let password = password.as_str().to_owned();
        let done = http.desk.logins.register(&email, password, name, &workspace, asked.address).await;
        done.map_err(refusal)?;
        Ok(Empty {})
    };
    asked.answer(outcome.await)
}

pub async fn login(
    State(http): State<Http>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let asked = Asked::by(&http, address, &request);
    let outcome = async {
        let Login { email, password, workspace } = read(request).await?;
        let password = password.as_str().to_owned();
        let session = http.desk.logins.login(&email, password, workspace.as_deref(), asked.address).await;
        session.map(logged_in).map_err(refusal)
    };
    asked.answer(outcome.await)
}

pub async fn refresh(
    State(http): State<Http>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let asked = Asked::by(&http, address, &request);
    let outcome = async {
        let Refresh { refresh_token } = read(request).await?;
        match http.desk.logins.refresh(refresh_token.as_str(), asked.address).await {
            Ok(session) => Ok(logged_in(session)),
            Err(refused) => {
                if let Refusal::Reused(login) = refused {
                    ended(&http, login).await;
                }
                Err(refusal(refused))
            }
        }
    };
    asked.answer(outcome.await)
}

/// Ends the log-in of whatever is shown: the refresh token, which may be all that still holds, and the access token.
pub async fn logout(
    State(http): State<Http>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let asked = Asked::by(&http, address, &request);
    let outcome = async {
        let shown = bearer(request.headers());
        let Logout { refresh_token } = read(request).await?;
        if let Some(token) = &refresh_token {
            let login = http.desk.logins.end_by_token(token.as_str()).await.map_err(wire::store_error)?;
            if let Some(login) = login {
                ended(&http, login).await;
            }
        }
        let login = match (shown, refresh_token) {
            (Some(token), None) => Some(person(&http, Some(&token)).await?.0),
            // Which of the two has run out is no matter, as long as both are gone.
            (Some(token), Some(_)) => person(&http, Some(&token)).await.ok().map(|(login, _)| login),
            (None, Some(_)) => None,
            (None, None) => return Err(no_credential()),
        };
        if let Some(login) = login {
            http.desk.logins.end(login).await.map_err(wire::store_error)?;
            ended(&http, login).await;
        }
        Ok(Empty {})
    };
    asked.answer(outcome.await)
}

pub async fn me(
    State(http): State<Http>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let asked = Asked::by(&http, address, &request);
    let outcome = person(&http, bearer(request.headers()).as_deref()).await;
    asked.answer(outcome.map(|(_, me)| me))
}

/// What is known of a request before its body is read.
struct Asked {
    address: IpAddr,
    origin: Option<Box<str>>,
}

impl Asked {
    fn by(http: &Http, address: SocketAddr, request: &Request) -> Self {
        let peer = peer(request.headers(), address.ip(), &http.forwarding);
        Self { address: peer.address, origin: peer.origin }
    }

    fn answer(&self, outcome: Result<impl serde::Serialize, RpcError>) -> Response {
        allow_origin(rest::answer(outcome), self.origin.as_deref())
    }
}

/// The body, held against its schema; none is one without fields.
async fn read<T: Params>(request: Request) -> Result<T, RpcError> {
    let body = to_bytes(request.into_body(), AUTH_BODY).await;
    let body = body.map_err(|_| RpcError::too_large(AUTH_BODY))?;
    if body.is_empty() {
        return params::read(None);
    }
    let raw: &RawValue = serde_json::from_slice(&body).map_err(|_| RpcError::parse_error())?;
    params::read(Some(raw))
}

/// The person whose access token this is. Visitors and keys have not logged in.
async fn person(http: &Http, bearer: Option<&str>) -> Result<(LoginId, Me), RpcError> {
    let standing = http.desk.standing(bearer.ok_or_else(no_credential)?, None).await?;
    let caller = &standing.caller;
    let account = http.desk.account(caller).await?;
    let (Some(login), Some(account), Some(expires_at)) = (caller.login, account, standing.expires_at) else {
        return Err(RpcError::forbidden(
            "Only an account has logged in; this is a visitor's token or a key.",
        ));
    };
    let workspace = http.desk.directory.workspace(caller.workspace).await.map_err(wire::store_error)?;
    let me = Me {
        user: wired(&account),
        workspace: workspace.ok_or_else(|| RpcError::not_found("workspace"))?.slug.clone(),
        roles: roles(caller.roles),
        expires_at: expires_at.into(),
    };
    Ok((login.id, me))
}

/// A log-in is over: its access tokens hold no longer here, and its sockets are closed.
async fn ended(http: &Http, login: LoginId) {
    http.desk.directory.forget(login);
    http.sockets.check_credentials().await;
}

fn logged_in(session: Session) -> LoggedIn {
    let Session { account, place, access, refresh } = session;
    LoggedIn {
        access_token: access.0.into(),
        token_type: TokenType::Bearer,
        expires_at: access.1.into(),
        refresh_token: refresh.0.into(),
        refresh_expires_at: refresh.1.into(),
        user: wired(&account),
        workspace: place.slug,
        roles: roles(place.roles),
    }
}

fn wired(account: &account::Account) -> Account {
    let account::Account { id, email, name } = account.clone();
    Account { id, email, name }
}

fn roles(roles: Roles) -> Vec<AccountRole> {
    let wired = |role| match role {
        Role::Member => Some(AccountRole::Member),
        Role::Staff => Some(AccountRole::Staff),
        Role::Supervisor => Some(AccountRole::Supervisor),
        Role::Admin => Some(AccountRole::Admin),
        Role::Visitor | Role::Service => None,
    };
    roles.iter().filter_map(wired).collect()
}

fn refusal(refusal: Refusal) -> RpcError {
    match refusal {
        Refusal::TooOften(wait) => RpcError::rate_limited(wire::millis(wait)),
        Refusal::Overloaded(_) => RpcError::unavailable(
            "Too many people are logging in at this moment; try again in a second.",
            BUSY_MS,
        ),
        Refusal::Wrong => RpcError::unauthenticated("The e-mail address or the password is wrong."),
        Refusal::NoRole => RpcError::forbidden("This account has no role in that workspace."),
        Refusal::Ended | Refusal::Reused(_) => {
            RpcError::unauthenticated("This refresh token holds no longer; log in again.")
        }
        Refusal::Store(error) => wire::store_error(error),
    }
}

fn no_credential() -> RpcError {
    RpcError::unauthenticated("Send an access token as `Authorization: Bearer …`; /api/auth/login gives one.")
}
