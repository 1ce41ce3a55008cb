//! Who speaks: visitors and what they told of themselves.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchboard_protocol::ids::{VisitorId, WorkspaceId};

/// What a page told of its visitor. Believed only where `verified` says that the host signed `external_id`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub external_id: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub metadata: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Visitor {
    pub id: VisitorId,
    pub workspace: WorkspaceId,
    pub verified: bool,
    pub profile: Profile,
}

/// Who a credential may be. The order is that of rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Visitor,
    Member,
    Service,
    Staff,
    Supervisor,
    Admin,
}

impl Role {
    pub const ALL: [Self; 6] =
        [Self::Visitor, Self::Member, Self::Service, Self::Staff, Self::Supervisor, Self::Admin];
}

super::conversation::stored_names!(Role {
    Visitor = "visitor",
    Member = "member",
    Service = "service",
    Staff = "staff",
    Supervisor = "supervisor",
    Admin = "admin",
});

/// All that somebody may be in one workspace: they may what any of their roles may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    pub fn contains(self, role: Role) -> bool {
        self.0 & Self::from(role).0 != 0
    }

    /// From the least to the most.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }

    /// What they act as, unless only a lesser role may do what they do.
    pub fn highest(self) -> Option<Role> {
        self.iter().next_back()
    }
}

impl From<Role> for Roles {
    fn from(role: Role) -> Self {
        Self(1 << role as u8)
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |all, role| all | Self::from(role).0))
    }
}

#[derive(Clone, Debug)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub slug: String,
    pub identity_secret: String,
    pub verification_required: bool,
    pub allowed_origins: Vec<String>,
    /// Whether strangers may make themselves members.
    pub registration_open: bool,
    /// What staff answered may be quoted to other visitors.
    pub learns: bool,
}

impl Workspace {
    /// The public name of the one that everything belongs to where nothing else is said.
    pub const DEFAULT: &str = "default";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_a_set_with_a_highest() {
        let roles: Roles = [Role::Staff, Role::Member, Role::Staff].into_iter().collect();
        assert_eq!(roles.iter().collect::<Vec<_>>(), [Role::Member, Role::Staff]);
        assert_eq!(roles.highest(), Some(Role::Staff));
        assert!(roles.contains(Role::Member) && !roles.contains(Role::Supervisor));
        assert_eq!(Roles::default().highest(), None);
        assert!(Role::ALL.is_sorted(), "the order is that of rights");
    }
}
