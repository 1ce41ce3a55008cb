//! Access tokens: signed, short-lived, and for a visitor also the proof of a conversation that has no row yet.
//!
//! Invariant: a token of more than a visitor names the log-in that it came of, which can be ended.

use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use switchboard_protocol::ids::{AccountId, ConversationId, VisitorId, WorkspaceId};
use uuid::Uuid;

use super::{Caller, LoggedIn};
use crate::domain::account::LoginId;
use crate::domain::clock::{self, Timestamp};
use crate::domain::conversation::Mode;
use crate::domain::mint;
use crate::domain::visitor::{Role, Roles};

const ISSUER: &str = "switchboard";
const AUDIENCE: &str = "switchboard";

#[derive(Clone)]
pub struct Tokens {
    header: Header,
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    lifetime: Duration,
}

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    ws: Uuid,
    roles: Vec<String>,
    jti: Uuid,
    iat: i64,
    exp: i64,
    /// The log-in of an account; a visitor has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    #[serde(default)]
    verified: bool,
    #[serde(flatten)]
    opened: Option<Opened>,
}

/// The conversation that was opened when the token was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    #[serde(rename = "conversation")]
    id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
}

impl Opened {
    pub fn new(id: ConversationId, session: Option<&str>, mode: Option<Mode>) -> Self {
        Self {
            id: id.uuid(),
            session: session.map(str::to_owned),
            mode: mode.map(|mode| mode.name().to_owned()),
        }
    }

    pub fn id(&self) -> ConversationId {
        self.id.into()
    }

    pub fn mode(&self) -> Option<Mode> {
        self.mode.as_deref().and_then(Mode::from_name)
    }
}

/// A token that was checked.
#[derive(Clone, Debug)]
pub struct Checked {
    pub caller: Caller,
    pub opened: Option<Opened>,
    pub expires_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    Expired,
    Invalid,
}

impl Tokens {
    pub fn new(secret: &str, lifetime: Duration) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 0;
        Self {
            header: Header::new(Algorithm::HS256),
            signing: EncodingKey::from_secret(secret.as_bytes()),
            checking: DecodingKey::from_secret(secret.as_bytes()),
            validation,
            lifetime,
        }
    }

    /// A fresh token, and until when it holds.
    pub fn issue(&self, caller: &Caller, opened: Option<Opened>) -> (String, Timestamp) {
        self.issue_until(caller, opened, clock::now() + self.lifetime)
    }

    /// One that holds no longer than another that it is given for.
    pub fn issue_until(
        &self,
        caller: &Caller,
        opened: Option<Opened>,
        until: Timestamp,
    ) -> (String, Timestamp) {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: caller.login.map_or(caller.id.uuid(), |login| login.account.uuid()),
            ws: caller.workspace.uuid(),
            roles: caller.roles.iter().map(|role| role.name().to_owned()).collect(),
            jti: mint::id(),
            iat: clock::now().timestamp(),
            exp: until.timestamp(),
            sid: caller.login.map(|login| login.id.uuid()),
            verified: caller.verified,
            opened,
        };
        let text = jsonwebtoken::encode(&self.header, &claims, &self.signing).expect("claims are plain JSON");
        (text, instant(claims.exp))
    }

    pub fn check(&self, token: &str) -> Result<Checked, TokenError> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation)
            .map_err(|error| match error.kind() {
                ErrorKind::ExpiredSignature => TokenError::Expired,
                _ => TokenError::Invalid,
            })?
            .claims;
        // The library looks at whole seconds, and takes a token in its last one.
        if clock::now() >= instant(claims.exp) {
            return Err(TokenError::Expired);
        }
        let roles: Roles = claims.roles.iter().filter_map(|name| Role::from_name(name)).collect();
        let workspace = WorkspaceId::from(claims.ws);
        let caller = match claims.sid {
            Some(login) => {
                let login = LoggedIn { id: LoginId::from(login), account: AccountId::from(claims.sub) };
                Caller::account(login, workspace, roles)
            }
            None if roles == Role::Visitor.into() => {
                Some(Caller::visitor(VisitorId::from(claims.sub), workspace, claims.verified))
            }
            None => None,
        };
        let caller = caller.ok_or(TokenError::Invalid)?;
        Ok(Checked { caller, opened: claims.opened, expires_at: instant(claims.exp) })
    }
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(seconds, 0).unwrap_or(Timestamp::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn caller() -> Caller {
        Caller::visitor(mint::id(), mint::id(), true)
    }

    #[test]
    fn a_token_says_who_and_where() {
        let tokens = Tokens::new(SECRET, Duration::from_mins(1));
        let opened = Opened::new(mint::id(), Some("mine"), Some(Mode::Banker));
        let (text, expires_at) = tokens.issue(&caller(), Some(opened.clone()));
        let checked = tokens.check(&text).unwrap();
        assert_eq!(checked.opened, Some(opened));
        assert_eq!(checked.expires_at, expires_at);
        assert!(checked.caller.verified);
    }

    #[test]
    fn a_token_of_an_account_names_its_login_and_all_roles() {
        let tokens = Tokens::new(SECRET, Duration::from_mins(1));
        let login = LoggedIn { id: mint::id(), account: mint::id() };
        let roles: Roles = [Role::Member, Role::Staff].into_iter().collect();
        let staff = Caller::account(login, mint::id(), roles).unwrap();
        let (text, expires_at) = tokens.issue(&staff, None);
        assert_eq!(tokens.check(&text).unwrap().caller, staff);
        let (copy, until) = tokens.issue_until(&staff, None, expires_at);
        assert_eq!((tokens.check(&copy).unwrap().caller, until), (staff.clone(), expires_at));
        // Nobody could end one that came of no log-in.
        let (endless, _) = tokens.issue(&Caller { login: None, ..staff }, None);
        assert_eq!(tokens.check(&endless).unwrap_err(), TokenError::Invalid);
    }

    #[test]
    fn forged_foreign_and_old_tokens_are_told_apart_from_good_ones() {
        let tokens = Tokens::new(SECRET, Duration::from_mins(1));
        let (good, _) = tokens.issue(&caller(), None);
        let (other_secret, _) =
            Tokens::new(&SECRET.replace('0', "1"), Duration::from_mins(1)).issue(&caller(), None);
        let unsigned = format!("{}.{}.", URL_SAFE_NONE, good.split('.').nth(1).unwrap());
        let mut changed: Vec<_> = good.split('.').map(str::to_owned).collect();
        changed[1] = other_secret.split('.').nth(1).unwrap().to_owned();
        for bad in ["", "x", "a.b.c", &other_secret, &unsigned, &changed.join(".")] {
            assert_eq!(tokens.check(bad).unwrap_err(), TokenError::Invalid, "{bad}");
        }
        let past = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: mint::id(),
            ws: mint::id(),
            roles: vec!["visitor".into()],
            jti: mint::id(),
            iat: 1,
            exp: 2,
            sid: None,
            verified: false,
            opened: None,
        };
        let past = jsonwebtoken::encode(&tokens.header, &past, &tokens.signing).unwrap();
        assert_eq!(tokens.check(&past).unwrap_err(), TokenError::Expired);
    }

    /// `{"alg":"none","typ":"JWT"}`
    const URL_SAFE_NONE: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
}
