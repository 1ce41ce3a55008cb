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

super::conversation::stored_names!(Role {
    Visitor = "visitor",
    Member = "member",
    Service = "service",
    Staff = "staff",
    Supervisor = "supervisor",
    Admin = "admin",
});

#[derive(Clone, Debug)]
pub struct Workspace {
    pub id: WorkspaceId,
    pub slug: String,
    pub identity_secret: String,
    pub verification_required: bool,
    pub allowed_origins: Vec<String>,
}
