//! Accounts of people: what `/api/auth/…` is asked with and what it answers. An error is `{"error": RpcError}`.
//!
//! One table, [`ENDPOINTS`], is the source of the JSON Schema and of the TypeScript.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ids::AccountId;
use crate::limits;
use crate::methods::Empty;
use crate::params::{Params, at_most, within};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::typescript::Declarations;

/// Makes an account that is a member, where the workspace takes registrations. The answer never tells whether there
/// was one already; the account is used by logging in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct Register {
    #[schemars(length(min = 1, max = limits::EMAIL))]
    pub email: String,
    #[schemars(length(min = limits::PASSWORD_LEAST, max = limits::PASSWORD))]
    pub password: Secret,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::NAME))]
    pub name: Option<String>,
    /// The public slug of a workspace; `default` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::WORKSPACE))]
    pub workspace: Option<String>,
}

/// Logs an account in to one workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct Login {
    #[schemars(length(min = 1, max = limits::EMAIL))]
    pub email: String,
    #[schemars(length(min = 1, max = limits::PASSWORD))]
    pub password: Secret,
    /// The public slug of a workspace. When absent: `default`, or the first in which the account has a role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::WORKSPACE))]
    pub workspace: Option<String>,
}

/// Exchanges a refresh token for new tokens. It can be used once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Refresh {
    #[schemars(length(min = 1, max = limits::TOKEN))]
    pub refresh_token: Secret,
}

/// Ends the log-in of the access token in the header, or of this refresh token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(optional_fields = nullable)]
pub struct Logout {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::TOKEN))]
    pub refresh_token: Option<Secret>,
}

/// What a log-in, and each refresh of it, gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct LoggedIn {
    pub access_token: Secret,
    pub token_type: TokenType,
    /// When the access token runs out.
    pub expires_at: Timestamp,
    /// The next one; the one before it is used up.
    pub refresh_token: Secret,
    pub refresh_expires_at: Timestamp,
    pub user: Account,
    /// The public slug of the workspace that the tokens are for.
    pub workspace: String,
    pub roles: Vec<AccountRole>,
}

/// Whose access token it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Me {
    pub user: Account,
    pub workspace: String,
    pub roles: Vec<AccountRole>,
    pub expires_at: Timestamp,
}

/// A person who can log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Account {
    pub id: AccountId,
    pub email: String,
    pub name: String,
}

/// How an access token is shown: `Authorization: Bearer …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub enum TokenType {
    Bearer,
}

/// What an account may be in a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AccountRole {
    Member,
    Staff,
    Supervisor,
    Admin,
}

impl Params for Register {
    fn within_limits(&self) -> bool {
        within(1, limits::EMAIL, Some(&self.email))
            && within(limits::PASSWORD_LEAST, limits::PASSWORD, Some(&self.password))
            && at_most(limits::NAME, self.name.as_ref())
            && at_most(limits::WORKSPACE, self.workspace.as_ref())
    }
}

impl Params for Login {
    fn within_limits(&self) -> bool {
        within(1, limits::EMAIL, Some(&self.email))
            && within(1, limits::PASSWORD, Some(&self.password))
            && at_most(limits::WORKSPACE, self.workspace.as_ref())
    }
}

impl Params for Refresh {
    fn within_limits(&self) -> bool {
        within(1, limits::TOKEN, Some(&self.refresh_token))
    }
}

impl Params for Logout {
    fn within_limits(&self) -> bool {
        at_most(limits::TOKEN, self.refresh_token.as_ref())
    }
}

/// One row of the table of endpoints.
pub struct Endpoint {
    /// The verb and the path: `POST /api/auth/login`.
    pub name: &'static str,
    /// Nothing where there is no body.
    pub(crate) body_schema: Option<fn(&mut SchemaGenerator) -> Schema>,
    pub(crate) answer_schema: fn(&mut SchemaGenerator) -> Schema,
    /// Declares both types and gives their names.
    pub(crate) declare: fn(&mut Declarations) -> (String, String),
}

/// Every endpoint of accounts.
pub const ENDPOINTS: &[Endpoint] = &[
    with_body::<Register, Empty>("POST /api/auth/register"),
    with_body::<Login, LoggedIn>("POST /api/auth/login"),
    with_body::<Refresh, LoggedIn>("POST /api/auth/refresh"),
    with_body::<Logout, Empty>("POST /api/auth/logout"),
    Endpoint {
        name: "GET /api/auth/me",
        body_schema: None,
        answer_schema: SchemaGenerator::subschema_for::<Me>,
        declare: |declarations| ("null".to_owned(), declarations.add::<Me>()),
    },
];

const fn with_body<B: Params, A: JsonSchema + TS + 'static>(name: &'static str) -> Endpoint {
    Endpoint {
        name,
        body_schema: Some(SchemaGenerator::subschema_for::<B>),
        answer_schema: SchemaGenerator::subschema_for::<A>,
        declare: |declarations| (declarations.add::<B>(), declarations.add::<A>()),
    }
}
