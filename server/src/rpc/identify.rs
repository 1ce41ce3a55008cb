//! The first half of `session.open`, and all of a request over HTTP: who is this?

use std::sync::Arc;
use std::time::Instant;

use switchboard_protocol::RpcError;
use switchboard_protocol::methods::{SessionOpen, UserIdentity};

use super::{Desk, Peer, wire};
use crate::access::limits::{NEW_VISITORS, household};
use crate::access::token::{Checked, Opened, TokenError};
use crate::access::{self, Caller};
use crate::domain::account::Account;
use crate::domain::clock::Timestamp;
use crate::domain::mint;
use crate::domain::visitor::{Profile, Visitor, Workspace};

/// Somebody at the door, proven or new.
pub struct Identified {
    pub caller: Caller,
    /// What is known of the visitor; nothing for staff and services.
    pub visitor: Option<Arc<Visitor>>,
    /// The conversation that the token was made for.
    pub opened: Option<Opened>,
    pub expires_at: Option<Timestamp>,
    /// Came without any proof: a new person.
    pub is_new: bool,
}

/// What every key begins with.
pub const KEY_PREFIX: &str = "sb_";

impl Desk {
    /// Reads every proof that came with `session.open`; nothing is believed without one.
    pub async fn identify(&self, params: &SessionOpen, peer: &Peer) -> Result<Identified, RpcError> {
        let proven = match (&params.token, &params.resume) {
            (Some(token), resume) => match self.caller(token.as_str(), params.workspace.as_deref()).await {
                Err(refusal) => match resume {
                    Some(resume) if is_about_proof(&refusal) => Some(self.returning(resume.as_str()).await?),
                    _ => return Err(refusal),
                },
                proven => Some(proven?),
            },
            (None, Some(resume)) => Some(self.returning(resume.as_str()).await?),
            (None, None) => None,
        };
        let workspace = if let Some(identified) = &proven {
            self.directory.workspace(identified.caller.workspace).await
        } else {
            self.directory.workspace_called(params.workspace.as_deref().unwrap_or(Workspace::DEFAULT)).await
        };
        let workspace =
            workspace.map_err(wire::store_error)?.ok_or_else(|| RpcError::not_found("workspace"))?;
        if !access::origin_allowed(&workspace, peer.origin.as_deref(), peer.host.as_deref()) {
            return Err(RpcError::forbidden(
                "Pages of this origin may not open conversations here; allow it with `switchboard workspace set`.",
            ));
        }
        let identified = match (proven, &params.user) {
            (Some(staff), _) if !staff.caller.is_visitor() => return Ok(staff),
            (proven, Some(user)) if user.hash.is_some() => verify(&workspace, user, proven)?,
            (Some(proven), _) => proven,
            (None, user) => self.newcomer(&workspace, user.as_ref(), peer)?,
        };
        // Who has logged in has proven who they are.
        let is_proven = identified.caller.verified || identified.caller.login.is_some();
        if workspace.verification_required && !is_proven {
            return Err(RpcError::unauthenticated(
                "This workspace asks for a verified identity: send user.external_id with its user.hash.",
            ));
        }
        Ok(identified)
    }

    /// Whose token or key this is. `workspace` is heeded only for a key of all workspaces.
    pub async fn caller(&self, credential: &str, workspace: Option<&str>) -> Result<Identified, RpcError> {
        if !credential.starts_with(KEY_PREFIX) {
            let Checked { caller, opened, expires_at } = self.tokens.check(credential).map_err(bad_token)?;
            let account = self.account(&caller).await?;
            let visitor = caller.is_visitor().then(|| {
                let profile = account.as_deref().map(profile_of).unwrap_or_default();
                Arc::new(Visitor { profile, ..stranger(&caller) })
            });
            return Ok(Identified { caller, visitor, opened, expires_at: Some(expires_at), is_new: false });
        }
        let key = self.directory.key(credential).await.map_err(wire::store_error)?;
        let key =
            key.ok_or_else(|| RpcError::unauthenticated("This key is not known here, or was revoked."))?;
        let workspace = match (key.workspace, workspace) {
            (Some(own), _) => own,
            (None, Some(slug)) => {
                let named = self.directory.workspace_called(slug).await.map_err(wire::store_error)?;
                named.ok_or_else(|| RpcError::not_found("workspace"))?.id
            }
            (None, None) => {
                return Err(RpcError::invalid_param(
                    "workspace",
                    "is required with a key for all workspaces",
                ));
            }
        };
        let caller = Caller::key(&key, workspace);
        Ok(Identified { caller, visitor: None, opened: None, expires_at: None, is_new: false })
    }

    /// The account that a caller has logged in to; nothing for those who did not.
    pub async fn account(&self, caller: &Caller) -> Result<Option<Arc<Account>>, RpcError> {
        let Some(login) = caller.login else { return Ok(None) };
        let account = self.directory.login(login.id).await.map_err(wire::store_error)?;
        let ended = || RpcError::unauthenticated("This log-in has ended; log in again at /api/auth/login.");
        account.map(Some).ok_or_else(ended)
    }

    async fn returning(&self, resume: &str) -> Result<Identified, RpcError> {
        let visitor = self.directory.resume(resume).await.map_err(wire::store_error)?;
        let visitor = visitor.ok_or_else(|| {
            RpcError::unauthenticated(
                "This resume secret is not known or has run out; open without it to start anew.",
            )
        })?;
        let caller = Caller::visitor(visitor.id, visitor.workspace, visitor.verified);
        Ok(Identified { caller, visitor: Some(visitor), opened: None, expires_at: None, is_new: false })
    }

    fn newcomer(
        &self,
        workspace: &Workspace,
        user: Option<&UserIdentity>,
        peer: &Peer,
    ) -> Result<Identified, RpcError> {
        if self.limits
            && let Err(wait) = self.new_visitors.take(household(peer.address), NEW_VISITORS, Instant::now())
        {
            return Err(RpcError::rate_limited(wire::millis(wait)));
        }
        let caller = Caller::visitor(mint::id(), workspace.id, false);
        let visitor = Visitor { profile: user.map(profile).unwrap_or_default(), ..stranger(&caller) };
        Ok(Identified {
            caller,
            visitor: Some(Arc::new(visitor)),
            opened: None,
            expires_at: None,
            is_new: true,
        })
    }
}

/// The person whose id the host page's server has signed. Whoever they were before on this device, they are that
/// person now; the two never merge.
fn verify(
    workspace: &Workspace,
    user: &UserIdentity,
    proven: Option<Identified>,
) -> Result<Identified, RpcError> {
    let (Some(external_id), Some(hash)) = (&user.external_id, &user.hash) else {
        return Err(RpcError::invalid_param("user.external_id", "is required with user.hash"));
    };
    if !access::identity_holds(workspace, external_id, hash.as_str()) {
        return Err(RpcError::unauthenticated("user.hash is not the signature of user.external_id."));
    }
    let id = mint::verified_visitor(workspace.id, external_id);
    if let Some(same) = proven.filter(|proven| proven.caller.id == id) {
        return Ok(same);
    }
    let caller = Caller::visitor(id, workspace.id, true);
    let visitor = Visitor { profile: profile(user), ..stranger(&caller) };
    Ok(Identified { caller, visitor: Some(Arc::new(visitor)), opened: None, expires_at: None, is_new: false })
}

/// A visitor of whom only the credential is known.
pub fn stranger(caller: &Caller) -> Visitor {
    Visitor {
        id: caller.id,
        workspace: caller.workspace,
        verified: caller.verified,
        profile: Profile::default(),
    }
}

/// What is known of a member.
fn profile_of(account: &Account) -> Profile {
    let Account { email, name, .. } = account.clone();
    Profile { email: Some(email), name: Some(name), ..Profile::default() }
}

/// What a page told of its visitor. A name that is only spaces is none.
pub fn profile(user: &UserIdentity) -> Profile {
    let told = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    Profile {
        external_id: told(&user.external_id),
        email: told(&user.email),
        name: told(&user.name),
        phone: told(&user.phone),
        metadata: None,
    }
}

pub fn bad_token(error: TokenError) -> RpcError {
    RpcError::unauthenticated(match error {
        TokenError::Expired => {
            "The token has expired; open again with `resume`, or refresh an account's at /api/auth/refresh."
        }
        TokenError::Invalid => "The token is not one of this server's.",
    })
}

fn is_about_proof(error: &RpcError) -> bool {
    error.kind() == switchboard_protocol::ErrorKind::Unauthenticated
}
