//! Log-ins of accounts and their refresh tokens, each known by its digest alone.
//!
//! Invariant: an end and an exchange of tokens cannot pass each other: both lock the log-in's row, and whoever takes a
//! password away locks the account first.

use tokio_postgres::Row;
use uuid::Uuid;

use switchboard_protocol::ids::{AccountId, WorkspaceId};

use super::StoreError;
use super::accounts::audit;
use super::pool::{Pools, step};
use super::{rows, statement};
use crate::domain::account::{Account, LoginId, name_of};
use crate::domain::clock::Timestamp;
use crate::domain::visitor::{Role, Roles};

#[derive(Clone)]
pub struct Logins {
    pools: Pools,
}

/// An account as somebody who claims to be it is held against.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub account: Account,
    /// None once it was revoked.
    pub password_hash: Option<String>,
    /// By their public names.
    pub places: Vec<Place>,
}

/// A workspace in which an account has roles.
#[derive(Clone, Debug)]
pub struct Place {
    pub workspace: WorkspaceId,
    pub slug: String,
    pub roles: Roles,
}

/// What is written when somebody logs in.
#[derive(Debug)]
pub struct Beginning {
    pub login: LoginId,
    pub workspace: WorkspaceId,
    pub account: AccountId,
    /// The one that was shown to be right.
    pub password_hash: String,
    pub refresh_digest: [u8; 32],
    pub expires_at: Timestamp,
}

/// How the exchange of a refresh token came out.
#[derive(Debug)]
pub enum Rotation {
    Rotated {
        login: LoginId,
        account: Account,
        place: Place,
    },
    /// It was used before: its log-in has been ended.
    Reused(LoginId),
    Refused,
}

impl Logins {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools }
    }

    pub async fn candidate(&self, email: &str) -> Result<Option<Candidate>, StoreError> {
        let found = self.pools.lookup(vec![step!(statement::ACCOUNT_BY_EMAIL, email.to_owned())]).await?;
        let Some(first) = found.first() else { return Ok(None) };
        let mut places = Vec::with_capacity(found.len());
        for row in &found {
            if let Some(workspace) = rows::get::<Option<Uuid>>(row, "workspace_id")? {
                places.push(place(row, workspace)?);
            }
        }
        Ok(Some(Candidate {
            account: account(first, "id")?,
            password_hash: rows::get(first, "password_hash")?,
            places,
        }))
    }

    /// False when the password has changed since it was checked.
    pub async fn begin(&self, beginning: Beginning) -> Result<bool, StoreError> {
        let Beginning { login, workspace, account, password_hash, refresh_digest, expires_at } = beginning;
        let begin = step!(
            statement::LOGIN_BEGIN,
            login.uuid(),
            workspace.uuid(),
            account.uuid(),
            password_hash,
            refresh_digest.to_vec(),
            expires_at
        );
        Ok(!self.pools.lookup(vec![step!(statement::LOGINS_FORGET), begin]).await?.is_empty())
    }

    /// Exchanges one refresh token for the next. One that was used up to `grace_s` seconds ago may be used again.
    pub async fn rotate(
        &self,
        shown: [u8; 32],
        next: [u8; 32],
        expires_at: Timestamp,
        grace_s: i64,
    ) -> Result<Rotation, StoreError> {
        let hold = step!(statement::LOGIN_HOLD, shown.to_vec());
        let rotate = step!(statement::REFRESH_ROTATE, shown.to_vec(), next.to_vec(), expires_at, grace_s);
        let found = self.pools.lookup(vec![hold, rotate]).await?;
        let Some(row) = found.first() else { return Ok(Rotation::Refused) };
        let login = LoginId::from(rows::get::<Uuid>(row, "login_id")?);
        match rows::get::<String>(row, "verdict")?.as_str() {
            "rotated" => Ok(Rotation::Rotated {
                login,
                account: account(row, "user_id")?,
                place: place(row, rows::get(row, "workspace_id")?)?,
            }),
            "reused" => Ok(Rotation::Reused(login)),
            _ => Ok(Rotation::Refused),
        }
    }

    pub async fn end(&self, login: LoginId) -> Result<(), StoreError> {
        self.pools.lookup(vec![step!(statement::LOGIN_END, login.uuid())]).await.map(drop)
    }

    /// The log-in that was ended; nothing when none was begun with this token, or it had ended.
    pub async fn end_by_token(&self, digest: [u8; 32]) -> Result<Option<LoginId>, StoreError> {
        let ended = self.pools.lookup(vec![step!(statement::LOGIN_END_BY_TOKEN, digest.to_vec())]).await?;
        ended.first().map(|row| rows::get::<Uuid>(row, "id").map(LoginId::from)).transpose()
    }

    /// Whose log-in this is, while it has not ended.
    pub async fn standing(&self, login: LoginId) -> Result<Option<Account>, StoreError> {
        let found = self.pools.lookup(vec![step!(statement::LOGIN_STANDING, login.uuid())]).await?;
        found.first().map(|row| account(row, "id")).transpose()
    }

    /// A member who has made their own account. One whose address was taken meanwhile changes nothing.
    pub async fn register(
        &self,
        fresh: &Account,
        password_hash: String,
        workspace: WorkspaceId,
    ) -> Result<(), StoreError> {
        let Account { id, email, name } = fresh.clone();
        let steps = vec![
            audit(Some(workspace), REGISTRATION, "user.register", &email, None),
            step!(statement::ACCOUNT_ADD, id.uuid(), email, name, password_hash),
            // Where the address was taken there is no account of this id, and this refuses the transaction.
            step!(statement::ROLE_GRANT, workspace.uuid(), id.uuid(), Role::Member.name()),
        ];
        match self.pools.lookup(steps).await {
            Err(StoreError::Refused { code, .. }) if code == "23503" => Ok(()),
            result => result.map(drop),
        }
    }

    /// The same for one who has an account.
    pub async fn join(&self, account: AccountId, workspace: WorkspaceId) -> Result<(), StoreError> {
        let subject = account.to_string();
        let steps = vec![
            audit(Some(workspace), REGISTRATION, "role.grant", &subject, Some(Role::Member.name().into())),
            step!(statement::ROLE_GRANT, workspace.uuid(), account.uuid(), Role::Member.name()),
        ];
        self.pools.lookup(steps).await.map(drop)
    }
}

/// Who did it, for the audit log.
const REGISTRATION: &str = "registration";

fn account(row: &Row, id: &str) -> Result<Account, StoreError> {
    let email: String = rows::get(row, "email")?;
    let name: Option<String> = rows::get(row, "name")?;
    let name = name.unwrap_or_else(|| name_of(&email).to_owned());
    Ok(Account { id: rows::get::<Uuid>(row, id)?.into(), email, name })
}

fn place(row: &Row, workspace: Uuid) -> Result<Place, StoreError> {
    let roles: Vec<String> = rows::get(row, "roles")?;
    Ok(Place {
        workspace: workspace.into(),
        slug: rows::get(row, "slug")?,
        roles: roles.iter().filter_map(|name| Role::from_name(name)).collect(),
    })
}
