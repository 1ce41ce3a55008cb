//! The nouns of what is known of people: an insight a contact, and the groups that are folded into it.

mod notes;
mod rules;

use serde_json::{Map, Value};

pub use notes::{Fact, Note, Notes, Source, fields};
pub use rules::field_of;

use super::clock::Timestamp;

/// What somebody brings about a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub contact: String,
    /// Names the group: its contact takes it in once.
    pub key: Option<String>,
    pub member_name: Option<String>,
    /// Without repetitions, as the subtypes.
    pub source_types: Vec<String>,
    pub source_subtypes: Vec<String>,
    pub total_eni_ids: i64,
    pub record_count: i64,
    /// The fields that it says something in, by their names.
    pub fields: Map<String, Value>,
    pub status: Status,
    pub generated_at: Option<Timestamp>,
    pub metadata: Option<Value>,
}

/// All that is known of a contact.
#[derive(Clone, Debug, PartialEq)]
pub struct Insight {
    pub contact: String,
    pub eni_id: String,
    pub member_name: Option<String>,
    pub source_types: Vec<String>,
    pub source_subtypes: Vec<String>,
    pub total_eni_ids: i64,
    pub record_count: i64,
    pub fields: Map<String, Value>,
    pub status: Status,
    pub generated_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
    pub metadata: Option<Value>,
}

#[cfg(test)]
impl Insight {
    /// One for a test, which changes what it is about.
    pub fn example(contact: &str, fields: &Value) -> Self {
        let at = "2026-03-01T09:30:00.250Z".parse().unwrap();
        Self {
            contact: contact.to_owned(),
            eni_id: String::new(),
            member_name: None,
            source_types: Vec::new(),
            source_subtypes: Vec::new(),
            total_eni_ids: 0,
            record_count: 0,
            fields: fields.as_object().unwrap().clone(),
            status: Status::Completed,
            generated_at: at,
            created_at: at,
            updated_at: at,
            version: 1,
            metadata: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Pending,
    Processing,
    Completed,
    Failed,
}

super::conversation::stored_names!(Status {
    Pending = "pending",
    Processing = "processing",
    Completed = "completed",
    Failed = "failed",
});

impl Status {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Completed, Self::Failed];
}

/// Where the words of an insight are. Its number is stored with each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    MemberName,
    Personal,
    Business,
    Investing,
    ThreeI,
    Deals,
    Introductions,
}

impl Place {
    pub const ALL: [Self; 7] = [
        Self::MemberName,
        Self::Personal,
        Self::Business,
        Self::Investing,
        Self::ThreeI,
        Self::Deals,
        Self::Introductions,
    ];

    /// Those of the insight itself.
    pub const FIELDS: [Self; 6] =
        [Self::Personal, Self::Business, Self::Investing, Self::ThreeI, Self::Deals, Self::Introductions];

    pub const fn name(self) -> &'static str {
        match self {
            Self::MemberName => "member_name",
            Self::Personal => "personal",
            Self::Business => "business",
            Self::Investing => "investing",
            Self::ThreeI => "three_i",
            Self::Deals => "deals",
            Self::Introductions => "introductions",
        }
    }

    pub const fn number(self) -> i64 {
        self as i64
    }
}

/// What a list goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    UpdatedAt,
    CreatedAt,
    GeneratedAt,
    ContactId,
    MemberName,
}

impl Order {
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpdatedAt => "updated_at",
            Self::CreatedAt => "created_at",
            Self::GeneratedAt => "generated_at",
            Self::ContactId => "contact_id",
            Self::MemberName => "member_name",
        }
    }
}

/// The row that a page begins behind: what it is ordered by, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    pub key: Key,
    pub contact: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// In microseconds, as the database keeps it.
    Time(i64),
    Name(String),
    /// The contact is its own.
    Contact,
}

impl Insight {
    pub fn key(&self, order: Order) -> Key {
        match order {
            Order::UpdatedAt => Key::Time(self.updated_at.timestamp_micros()),
            Order::CreatedAt => Key::Time(self.created_at.timestamp_micros()),
            Order::GeneratedAt => Key::Time(self.generated_at.timestamp_micros()),
            Order::ContactId => Key::Contact,
            Order::MemberName => Key::Name(self.member_name.clone().unwrap_or_default()),
        }
    }
}
