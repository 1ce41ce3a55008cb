//! Logging in, staying in and getting out: what each takes, in the order in which it is asked.
//!
//! Invariant: an unknown address and a wrong password take the same time and are told the same; every try is counted
//! before it costs anything.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::limits::{Buckets, LoginLimits, Rate, Windows, household};
use super::passwords::{Overloaded, Passwords, Turn};
use super::token::Tokens;
use super::{Caller, LoggedIn};
use crate::domain::account::{Account, LoginId, name_of};
use crate::domain::clock::{self, Timestamp};
use crate::domain::mint;
use crate::domain::visitor::Workspace;
use crate::store::StoreError;
use crate::store::logins::{self as stored, Beginning, Candidate, Place, Rotation};

pub struct Logins {
    store: stored::Logins,
    passwords: Passwords,
    tokens: Tokens,
    /// None for load tests.
    limits: Option<Limits>,
}

struct Limits {
    addresses: Windows<IpAddr>,
    accounts: Windows<[u8; 32]>,
    refreshes: Buckets<IpAddr>,
}

/// What somebody has who has logged in.
#[derive(Debug)]
pub struct Session {
    pub account: Account,
    pub place: Place,
    pub access: (String, Timestamp),
    pub refresh: (String, Timestamp),
}

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("too many tries")]
    TooOften(Duration),
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The address or the password, and nobody is told which.
    #[error("wrong address or password")]
    Wrong,
    /// The password was right; whether there is such a workspace is not told.
    #[error("no role in that workspace")]
    NoRole,
    #[error("this refresh token holds no longer")]
    Ended,
    /// Used before: the log-in that it came of has been ended.
    #[error("this refresh token was used before")]
    Reused(LoginId),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// From each exchange on; so who comes once a month stays in.
const REFRESH_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// Two tabs, or a repeat after a lost answer, may use the same refresh token within so many seconds: each gets a successor.
const GRACE_S: i64 = 10;
/// Exchanges of an address: a whole office may come in at nine.
const REFRESHES: Rate = Rate { per_second: 1.0, burst: 60.0 };

impl Logins {
    pub fn new(
        store: stored::Logins,
        passwords: Passwords,
        tokens: Tokens,
        limits: Option<LoginLimits>,
    ) -> Self {
        let limits = limits.map(|limits| Limits {
            addresses: Windows::new(limits.address),
            accounts: Windows::new(limits.account),
            refreshes: Buckets::default(),
        });
        Self { store, passwords, tokens, limits }
    }

    pub async fn login(
        &self,
        email: &str,
        password: String,
        workspace: Option<&str>,
        address: IpAddr,
    ) -> Result<Session, Refusal> {
        let outcome = self.enter(email, password, workspace, address).await;
        let label = match &outcome {
            Ok(_) => "in",
            Err(Refusal::TooOften(_)) => "too_often",
            Err(Refusal::Overloaded(_)) => "overloaded",
            Err(Refusal::Store(_)) => "unavailable",
            Err(_) => "wrong",
        };
        metrics::counter!("switchboard_logins_total", "outcome" => label).increment(1);
        outcome
    }

    async fn enter(
        &self,
        email: &str,
        password: String,
        workspace: Option<&str>,
        address: IpAddr,
    ) -> Result<Session, Refusal> {
        let (candidate, turn) = self.candidate(email, address).await?;
        let known = candidate.as_ref().and_then(|candidate| candidate.password_hash.clone());
        let fits = turn.check(password, known.clone()).await?;
        let (Some(candidate), Some(password_hash), true) = (candidate, known, fits) else {
            return Err(Refusal::Wrong);
        };
        let Candidate { account, places, .. } = candidate;
        let place = choose(places, workspace).ok_or(Refusal::NoRole)?;
        let login: LoginId = mint::id();
        let refresh = fresh_refresh();
        let beginning = Beginning {
            login,
            workspace: place.workspace,
            account: account.id,
            password_hash,
            refresh_digest: mint::digest(&refresh.0),
            expires_at: refresh.1,
        };
        if !self.store.begin(beginning).await? {
            return Err(Refusal::Wrong);
        }
        self.session(login, account, place, refresh)
    }

    /// Makes a member of whoever comes, where the workspace takes registrations. Somebody who has an account and
    /// knows its password becomes one too; nobody is told what was so.
    pub async fn register(
        &self,
        email: &str,
        password: String,
        name: Option<String>,
        workspace: &Workspace,
        address: IpAddr,
    ) -> Result<(), Refusal> {
        let (candidate, turn) = self.candidate(email, address).await?;
        let Some(candidate) = candidate else {
            let hash = turn.hash(password).await?;
            let name = name.filter(|name| !name.trim().is_empty());
            let name = name.unwrap_or_else(|| name_of(email).to_owned());
            let fresh = Account { id: mint::id(), email: email.to_owned(), name };
            return Ok(self.store.register(&fresh, hash, workspace.id).await?);
        };
        let fits = turn.check(password, candidate.password_hash.clone()).await?;
        let is_new_here = candidate.places.iter().all(|place| place.workspace != workspace.id);
        if fits && is_new_here {
            self.store.join(candidate.account.id, workspace.id).await?;
        }
        Ok(())
    }

    pub async fn refresh(&self, token: &str, address: IpAddr) -> Result<Session, Refusal> {
        if let Some(limits) = &self.limits {
            let within = limits.refreshes.take(household(address), REFRESHES, Instant::now());
            within.map_err(Refusal::TooOften)?;
        }
        let next = fresh_refresh();
        let (shown, fresh) = (mint::digest(token), mint::digest(&next.0));
        match self.store.rotate(shown, fresh, next.1, GRACE_S).await? {
            Rotation::Rotated { login, account, place } => self.session(login, account, place, next),
            Rotation::Reused(login) => {
                tracing::info!("a refresh token was used twice; its log-in has been ended");
                metrics::counter!("switchboard_refresh_reuses_total").increment(1);
                Err(Refusal::Reused(login))
            }
            Rotation::Refused => Err(Refusal::Ended),
        }
    }

    pub async fn end(&self, login: LoginId) -> Result<(), StoreError> {
        self.store.end(login).await
    }

    /// The log-in that was ended; nothing when the token is of none.
    pub async fn end_by_token(&self, token: &str) -> Result<Option<LoginId>, StoreError> {
        self.store.end_by_token(mint::digest(token)).await
    }

    /// Counts the try, and finds the account that it is about. Its own limit holds by whatever spelling it is named. Who
    /// gets no turn costs the database nothing.
    async fn candidate(
        &self,
        email: &str,
        address: IpAddr,
    ) -> Result<(Option<Candidate>, Turn<'_>), Refusal> {
        if let Some(limits) = &self.limits {
            limits.addresses.take(household(address), Instant::now()).map_err(Refusal::TooOften)?;
        }
        let turn = self.passwords.turn()?;
        let candidate = self.store.candidate(email).await?;
        if let Some(limits) = &self.limits {
            let name = match &candidate {
                Some(candidate) => candidate.account.id.to_string(),
                None => email.to_lowercase(),
            };
            limits.accounts.take(mint::digest(&name), Instant::now()).map_err(Refusal::TooOften)?;
        }
        Ok((candidate, turn))
    }

    fn session(
        &self,
        login: LoginId,
        account: Account,
        place: Place,
        refresh: (String, Timestamp),
    ) -> Result<Session, Refusal> {
        let login = LoggedIn { id: login, account: account.id };
        let caller = Caller::account(login, place.workspace, place.roles).ok_or(Refusal::NoRole)?;
        let access = self.tokens.issue(&caller, None);
        Ok(Session { account, place, access, refresh })
    }
}

/// The workspace that was named; else `default` or, without a role there, the first by name.
fn choose(places: Vec<Place>, named: Option<&str>) -> Option<Place> {
    let at = match named {
        Some(slug) => places.iter().position(|place| place.slug == slug)?,
        None => places.iter().position(|place| place.slug == Workspace::DEFAULT).unwrap_or(0),
    };
    places.into_iter().nth(at)
}

fn fresh_refresh() -> (String, Timestamp) {
    (mint::secret(), clock::now() + REFRESH_LIFETIME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::visitor::Role;

    #[test]
    fn a_workspace_is_the_one_named_or_default_or_the_first() {
        let places = |slugs: &[&str]| {
            let place = |slug: &&str| Place {
                workspace: mint::id(),
                slug: (*slug).to_owned(),
                roles: Role::Staff.into(),
            };
            slugs.iter().map(place).collect::<Vec<_>>()
        };
        let chosen = |slugs, named| choose(places(slugs), named).map(|place| place.slug);
        assert_eq!(chosen(&["bank", "default", "shop"], None).as_deref(), Some("default"));
        assert_eq!(chosen(&["bank", "shop"], None).as_deref(), Some("bank"));
        assert_eq!(chosen(&["bank", "shop"], Some("shop")).as_deref(), Some("shop"));
        assert_eq!(chosen(&["bank", "shop"], Some("default")), None);
        assert_eq!(chosen(&[], None), None);
    }
}
