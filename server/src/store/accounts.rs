//! Workspaces, accounts and keys: what stands above conversations, changed by administration and read at log-in.

use std::collections::HashSet;

use serde_json::Value;
use switchboard_protocol::ids::WorkspaceId;
use uuid::Uuid;

use super::StoreError;
use super::pool::{Pools, Step, step};
use super::{rows, statement};
use crate::domain::account::name_of;
use crate::domain::clock::Timestamp;
use crate::domain::mint;
use crate::domain::visitor::{Role, Workspace};

#[derive(Clone)]
pub struct Accounts {
    pools: Pools,
}

/// A key as it is checked: whose it is.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: Uuid,
    /// None is every workspace.
    pub workspace: Option<WorkspaceId>,
    pub name: String,
    pub role: Role,
}

/// One line of `user list`.
#[derive(Clone, Debug)]
pub struct Account {
    pub email: String,
    pub workspace: Option<String>,
    pub role: Option<String>,
    /// False once it was revoked.
    pub works: bool,
}

/// One line of `key list`.
#[derive(Clone, Debug)]
pub struct ListedKey {
    pub name: String,
    pub role: String,
    pub workspace: Option<String>,
    pub created_at: Timestamp,
}

/// What `workspace set` may change; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceEdit {
    pub verification_required: Option<bool>,
    pub allowed_origins: Option<Vec<String>>,
    pub identity_secret: Option<String>,
    pub registration_open: Option<bool>,
    pub learns: Option<bool>,
}

impl Accounts {
    pub(super) fn new(pools: Pools) -> Self {
        Self { pools }
    }

    pub async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::WORKSPACES_LIST)]).await?;
        rows.iter()
            .map(|row| {
                Ok(Workspace {
                    id: rows::get::<Uuid>(row, "id")?.into(),
                    slug: rows::get(row, "slug")?,
                    identity_secret: rows::get(row, "identity_secret")?,
                    verification_required: rows::get(row, "verification_required")?,
                    allowed_origins: rows::get(row, "allowed_origins")?,
                    registration_open: rows::get(row, "registration_open")?,
                    learns: rows::get(row, "learns")?,
                })
            })
            .collect()
    }

    /// False when the slug is taken.
    pub async fn add_workspace(&self, workspace: &Workspace, actor: &str) -> Result<bool, StoreError> {
        let add = add_workspace(workspace);
        let audit = audit(Some(workspace.id), actor, "workspace.add", &workspace.slug, None);
        Ok(!self.pools.lookup(vec![audit, add]).await?.is_empty())
    }

    /// False when there is no such workspace.
    pub async fn set_workspace(
        &self,
        slug: &str,
        edit: WorkspaceEdit,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let set = step!(
            statement::WORKSPACE_SET,
            slug.to_owned(),
            edit.verification_required,
            edit.allowed_origins,
            edit.identity_secret,
            edit.registration_open,
            edit.learns
        );
        Ok(!self.pools.lookup(vec![audit(None, actor, "workspace.set", slug, None), set]).await?.is_empty())
    }

    /// The id of the account, made when there is none of this address; false beside it when there was one.
    pub async fn add_account(
        &self,
        email: &str,
        password_hash: &str,
        actor: &str,
    ) -> Result<(Uuid, bool), StoreError> {
        let id: Uuid = mint::id();
        let name = name_of(email).to_owned();
        let add = step!(statement::ACCOUNT_ADD, id, email.to_owned(), name, password_hash.to_owned());
        let added = self.pools.lookup(vec![audit(None, actor, "user.add", email, None), add]).await?;
        if !added.is_empty() {
            return Ok((id, true));
        }
        let rows = self.pools.lookup(vec![step!(statement::ACCOUNT_BY_EMAIL, email.to_owned())]).await?;
        let row = rows.first().ok_or(StoreError::Stale)?;
        Ok((rows::get(row, "id")?, false))
    }

    pub async fn grant(
        &self,
        workspace: WorkspaceId,
        account: Uuid,
        role: Role,
        actor: &str,
    ) -> Result<(), StoreError> {
        let audit =
            audit(Some(workspace), actor, "role.grant", &account.to_string(), Some(role.name().into()));
        let grant = step!(statement::ROLE_GRANT, workspace.uuid(), account, role.name());
        self.pools.lookup(vec![audit, grant]).await.map(drop)
    }

    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::ACCOUNTS_LIST)]).await?;
        rows.iter()
            .map(|row| {
                Ok(Account {
                    email: rows::get(row, "email")?,
                    workspace: rows::get(row, "slug")?,
                    role: rows::get(row, "role")?,
                    works: rows::get(row, "works")?,
                })
            })
            .collect()
    }

    /// Gives an account a password where it has none, or in any case if it is to `replace`; whether it did. What was
    /// begun with the former one ends.
    pub async fn set_password(
        &self,
        email: &str,
        hash: &str,
        replace: bool,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let set = step!(statement::ACCOUNT_SET_PASSWORD, email.to_owned(), hash.to_owned(), replace);
        let end = end_logins(email, Some(hash), "password");
        let look = step!(statement::ACCOUNT_BY_EMAIL, email.to_owned());
        let audit = audit(None, actor, "user.password", email, None);
        let found = self.pools.lookup(vec![audit, set, end, look]).await?;
        let stored: Option<String> = found.first().map_or(Ok(None), |row| rows::get(row, "password_hash"))?;
        Ok(stored.as_deref() == Some(hash))
    }

    /// The first workspace and, where one is wanted, its administrator with the hash of a password: both or neither.
    /// False when the workspace or the account is there already; then nothing has changed.
    pub async fn found(
        &self,
        workspace: &Workspace,
        administrator: Option<(&str, &str)>,
        actor: &str,
    ) -> Result<bool, StoreError> {
        let mut steps = vec![
            audit(Some(workspace.id), actor, "workspace.add", &workspace.slug, None),
            add_workspace(workspace),
        ];
        if let Some((email, hash)) = administrator {
            let id: Uuid = mint::id();
            let name = name_of(email).to_owned();
            steps.push(audit(None, actor, "user.add", email, None));
            steps.push(step!(statement::ACCOUNT_ADD, id, email.to_owned(), name, hash.to_owned()));
            // Where one of the two was there, its row has another id, and this refuses the transaction.
            steps.push(step!(statement::ROLE_GRANT, workspace.id.uuid(), id, Role::Admin.name()));
        }
        match self.pools.lookup(steps).await {
            Ok(_) => Ok(true),
            Err(StoreError::Refused { code, .. }) if code == "23503" => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes its password away and ends its log-ins; false when there is no such account.
    pub async fn revoke_account(&self, email: &str, actor: &str) -> Result<bool, StoreError> {
        let revoke = step!(statement::ACCOUNT_REVOKE, email.to_owned());
        let end = end_logins(email, None, "revoked");
        let look = step!(statement::ACCOUNT_BY_EMAIL, email.to_owned());
        let audit = audit(None, actor, "user.revoke", email, None);
        Ok(!self.pools.lookup(vec![audit, revoke, end, look]).await?.is_empty())
    }

    /// Stores the key by its hash; false when a key of this name works already.
    pub async fn add_key(&self, key: &Key, secret: &str, actor: &str) -> Result<bool, StoreError> {
        let add = step!(
            statement::KEY_ADD,
            key.id,
            key.workspace.map(WorkspaceId::uuid),
            key.name.clone(),
            key.role.name(),
            mint::digest(secret).to_vec()
        );
        Ok(!self
            .pools
            .lookup(vec![audit(key.workspace, actor, "key.add", &key.name, None), add])
            .await?
            .is_empty())
    }

    pub async fn key(&self, secret: &str) -> Result<Option<Key>, StoreError> {
        let rows =
            self.pools.lookup(vec![step!(statement::KEY_BY_HASH, mint::digest(secret).to_vec())]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let role: String = rows::get(row, "role")?;
        Ok(Some(Key {
            id: rows::get(row, "id")?,
            workspace: rows::get::<Option<Uuid>>(row, "workspace_id")?.map(Into::into),
            name: rows::get(row, "name")?,
            role: Role::from_name(&role).unwrap_or(Role::Service),
        }))
    }

    /// Which of these keys and log-ins still hold.
    pub async fn working(&self, credentials: Vec<Uuid>) -> Result<HashSet<Uuid>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::CREDENTIALS_WORKING, credentials)]).await?;
        rows.iter().map(|row| rows::get(row, "id")).collect()
    }

    pub async fn keys(&self) -> Result<Vec<ListedKey>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::KEYS_LIST)]).await?;
        rows.iter()
            .map(|row| {
                Ok(ListedKey {
                    name: rows::get(row, "name")?,
                    role: rows::get(row, "role")?,
                    workspace: rows::get(row, "slug")?,
                    created_at: rows::get(row, "created_at")?,
                })
            })
            .collect()
    }

    /// The keys of this name that still work, each with its workspace; none is all of them.
    pub async fn keys_named(&self, name: &str) -> Result<Vec<(Uuid, Option<String>)>, StoreError> {
        let rows = self.pools.lookup(vec![step!(statement::KEYS_NAMED, name.to_owned())]).await?;
        rows.iter().map(|row| Ok((rows::get(row, "id")?, rows::get(row, "slug")?))).collect()
    }

    /// False when it no longer worked.
    pub async fn revoke_key(&self, id: Uuid, name: &str, actor: &str) -> Result<bool, StoreError> {
        let revoke = step!(statement::KEY_REVOKE, id);
        Ok(!self.pools.lookup(vec![audit(None, actor, "key.revoke", name, None), revoke]).await?.is_empty())
    }

    /// A new log epoch: the last step of restoring a backup.
    pub async fn restored(&self) -> Result<(), StoreError> {
        super::node::mint_log_epoch(&self.pools).await
    }
}

fn add_workspace(workspace: &Workspace) -> Step<'static> {
    step!(
        statement::WORKSPACE_ADD,
        workspace.id.uuid(),
        workspace.slug.clone(),
        workspace.slug.clone(),
        workspace.identity_secret.clone(),
        workspace.verification_required,
        workspace.allowed_origins.clone()
    )
}

/// The password is the one that the account now has; with another, nothing ends.
fn end_logins(email: &str, password_hash: Option<&str>, why: &'static str) -> Step<'static> {
    step!(statement::LOGINS_END_OF_ACCOUNT, email.to_owned(), password_hash.map(str::to_owned), why)
}

pub(super) fn audit(
    workspace: Option<WorkspaceId>,
    actor: &str,
    action: &'static str,
    subject: &str,
    detail: Option<Value>,
) -> Step<'static> {
    step!(
        statement::AUDIT_ADD,
        workspace.map(WorkspaceId::uuid),
        mint::id::<Uuid>(),
        actor.to_owned(),
        action,
        subject.to_owned(),
        detail
    )
}
