//! Who is calling: tokens, resume secrets, signed identities, keys, origins, and how often.
//!
//! Invariant: the workspace of a caller comes from a credential, never from a parameter; what cannot be proven is
//! `unauthenticated`, and a missing proof is never a pass.

pub mod directory;
pub mod limits;
pub mod logins;
pub mod passwords;
pub mod token;
pub mod trust;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use switchboard_protocol::ids::{AccountId, VisitorId, WorkspaceId};

use crate::domain::account::LoginId;
use crate::domain::mint;
use crate::domain::visitor::{Role, Roles, Workspace};
use crate::store::accounts::Key;

type HmacSha256 = Hmac<Sha256>;

/// Somebody whose credential was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The person as conversations know them; for a key, the key itself.
    pub id: VisitorId,
    /// What they act as: the highest of their roles, unless only a lesser one may do what they ask for.
    pub role: Role,
    pub roles: Roles,
    pub workspace: WorkspaceId,
    /// A visitor whose identity the host page's server has signed.
    pub verified: bool,
    /// The log-in, where the credential came of one.
    pub login: Option<LoggedIn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    pub id: LoginId,
    pub account: AccountId,
}

impl Caller {
    pub fn visitor(id: VisitorId, workspace: WorkspaceId, verified: bool) -> Self {
        let role = Role::Visitor;
        Self { id, role, roles: role.into(), workspace, verified, login: None }
    }

    pub fn key(key: &Key, workspace: WorkspaceId) -> Self {
        let Key { id, role, .. } = *key;
        Self { id: id.into(), role, roles: role.into(), workspace, verified: false, login: None }
    }

    /// Nobody, where the account has no role.
    pub fn account(login: LoggedIn, workspace: WorkspaceId, roles: Roles) -> Option<Self> {
        let role = roles.highest()?;
        let id = login.account.uuid().into();
        Some(Self { id, role, roles, workspace, verified: false, login: Some(login) }.acting(role))
    }

    /// The same person in another of their roles: a member has their own conversations, the staff those of all.
    #[must_use]
    pub fn acting(self, role: Role) -> Self {
        let id = match (self.login, role) {
            (Some(login), Role::Member) => mint::member(self.workspace, login.account),
            (Some(login), _) => login.account.uuid().into(),
            (None, _) => self.id,
        };
        Self { id, role, ..self }
    }

    /// Who did it, for the audit log: an account or a key, by its id.
    pub fn actor(&self) -> String {
        match self.login {
            Some(login) => format!("account {}", login.account),
            None => format!("key {}", self.id),
        }
    }

    pub fn is_visitor(&self) -> bool {
        self.role == Role::Visitor || self.role == Role::Member
    }
}

/// The secrets that follow from the server's own.
#[derive(Clone)]
pub struct Keyring {
    resume: HmacSha256,
}

impl Keyring {
    pub fn new(secret: &str) -> Self {
        Self { resume: keyed(secret.as_bytes()) }
    }

    /// A visitor's resume secret follows from their id, so that it can be told again to every tab and device,
    /// though the database holds only its digest.
    pub fn resume(&self, visitor: VisitorId) -> String {
        let mut mac = self.resume.clone();
        mac.update(b"switchboard resume\0");
        mac.update(visitor.uuid().as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    pub fn resume_digest(&self, visitor: VisitorId) -> [u8; 32] {
        mint::digest(&self.resume(visitor))
    }
}

/// Whether `hash` is the workspace's signature of `external_id`, in hex.
pub fn identity_holds(workspace: &Workspace, external_id: &str, hash: &str) -> bool {
    let mut mac = keyed(workspace.identity_secret.as_bytes());
    mac.update(external_id.as_bytes());
    let expected = format!("{:x}", mac.finalize().into_bytes());
    expected.as_bytes().ct_eq(hash.to_ascii_lowercase().as_bytes()).into()
}

/// Whether a page of `origin` may open conversations here. No origin is no browser, which could claim any; the
/// server's own pages and pages on this machine may always.
pub fn origin_allowed(workspace: &Workspace, origin: Option<&str>, host: Option<&str>) -> bool {
    let Some(origin) = origin else { return true };
    if workspace.allowed_origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    {
        return true;
    }
    let Some((_, authority)) = origin.split_once("://") else { return false };
    let name = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
    host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        || ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}

fn keyed(secret: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(secret).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(origins: &[&str]) -> Workspace {
        Workspace {
            id: mint::id(),
            slug: "default".to_owned(),
            identity_secret: "key".to_owned(),
            verification_required: false,
            allowed_origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
            registration_open: false,
            learns: false,
        }
    }

    #[test]
    fn a_member_who_is_staff_too_has_conversations_of_their_own() {
        let login = LoggedIn { id: mint::id(), account: mint::id() };
        let both: Roles = [Role::Member, Role::Staff].into_iter().collect();
        let staff = Caller::account(login, mint::id(), both).unwrap();
        assert_eq!((staff.role, staff.id.uuid()), (Role::Staff, login.account.uuid()));
        let member = staff.clone().acting(Role::Member);
        assert!(member.is_visitor() && member.id != staff.id);
        assert_eq!(Caller::account(login, staff.workspace, Role::Member.into()).unwrap().id, member.id);
        assert_ne!(Caller::account(login, mint::id(), Role::Member.into()).unwrap().id, member.id);
        assert_eq!(Caller::account(login, staff.workspace, Roles::default()), None);
    }

    #[test]
    fn an_identity_is_the_hex_hmac_of_its_id() {
        // The example of RFC-style test vectors for HMAC-SHA256.
        let hash = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        let text = "The quick brown fox jumps over the lazy dog";
        assert!(identity_holds(&workspace(&[]), text, hash));
        assert!(identity_holds(&workspace(&[]), text, &hash.to_uppercase()));
        assert!(!identity_holds(&workspace(&[]), "somebody else", hash));
        assert!(!identity_holds(&workspace(&[]), text, ""));
        assert!(!identity_holds(&workspace(&[]), text, &hash[..63]));
    }

    #[test]
    fn an_origin_is_listed_or_our_own() {
        let listed = workspace(&["https://shop.example"]);
        for (origin, allowed) in [
            (None, true),
            (Some("https://shop.example"), true),
            (Some("https://SHOP.example"), true),
            (Some("http://shop.example"), false),
            (Some("https://shop.example.evil.test"), false),
            (Some("https://desk.example:8443"), true),
            (Some("http://localhost:3000"), true),
            (Some("http://localhost.evil.test"), false),
            (Some("null"), false),
        ] {
            assert_eq!(origin_allowed(&listed, origin, Some("desk.example:8443")), allowed, "{origin:?}");
        }
        assert!(origin_allowed(&workspace(&["*"]), Some("https://any.example"), None));
        assert!(!origin_allowed(&workspace(&[]), Some("https://any.example"), None));
    }

    #[test]
    fn a_resume_secret_is_one_a_visitor_and_256_bits() {
        let keys = Keyring::new("0123456789abcdef0123456789abcdef");
        let visitor = mint::id();
        assert_eq!(keys.resume(visitor), keys.resume(visitor));
        assert_ne!(keys.resume(visitor), keys.resume(mint::id()));
        assert_eq!(URL_SAFE_NO_PAD.decode(keys.resume(visitor)).unwrap().len(), 32);
    }
}
