//! Which tables of an older desk hold what, and which of its conversations each of them speaks of.

use super::shape::{self, Kind, Shape};
use crate::store::foreign::{Table, Through, Walk};

#[derive(Debug, Default)]
pub(super) struct Plan {
    /// In the order of their names.
    pub(super) found: Vec<Found>,
    /// What nobody knows what to do with.
    pub(super) unknown: Vec<Table>,
    /// What the user who reads may not read.
    pub(super) closed: Vec<Table>,
}

#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) table: Table,
    pub(super) shape: &'static Shape,
}

/// What a column that names a conversation holds: a column of a table of conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) table: String,
    pub(super) column: String,
}

impl Plan {
    pub(super) fn new(tables: Vec<Table>) -> Self {
        let mut plan = Self::default();
        for table in tables {
            match shape::recognised(&table) {
                Some(_) if !table.readable => plan.closed.push(table),
                Some(shape) => plan.found.push(Found { table, shape }),
                None => plan.unknown.push(table),
            }
        }
        plan
    }

    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &Found> {
        self.found.iter().filter(move |found| found.shape.kind == kind)
    }

    /// What a table's column of conversations points to: what it is declared to, or a column of the same name, or the key.
    /// Nothing where the desk has no table of conversations.
    pub(super) fn link(&self, found: &Found) -> Option<Link> {
        let column = found.column("conversation")?;
        let conversations: Vec<&Found> = self.of(Kind::Conversations).collect();
        let declared = found.table.references.iter().find(|reference| {
            reference.column == column
                && conversations.iter().any(|other| other.table.name == reference.table)
        });
        if let Some(reference) = declared {
            return Some(Link { table: reference.table.clone(), column: reference.other.clone() });
        }
        let link =
            |other: &Found, column: &str| Link { table: other.table.name.clone(), column: column.to_owned() };
        let same = conversations.iter().find_map(|other| Some(link(other, other.table.column(column)?)));
        same.or_else(|| {
            let other = conversations.first()?;
            Some(link(other, other.column("id")?))
        })
    }
}

impl Found {
    /// The column that a fact stands in.
    pub(super) fn column(&self, fact: &str) -> Option<&str> {
        self.shape.column(&self.table, fact)
    }

    pub(super) fn name(&self) -> &str {
        &self.table.name
    }

    /// What tells its rows apart: as it is declared, or the column of an id.
    pub(super) fn key(&self) -> Vec<String> {
        if self.table.key.is_empty() {
            return self.column("id").map(str::to_owned).into_iter().collect();
        }
        self.table.key.clone()
    }

    /// Its rows in the order of their times.
    pub(super) fn by_time(&self) -> Walk<'_> {
        Walk { table: &self.table, gather: None, through: None, place: None, at: self.column("at") }
    }

    /// Its rows gathered by a column, those of one in the order of their places, or else of their times.
    pub(super) fn gathered<'f>(&'f self, by: Option<&'f str>) -> Walk<'f> {
        let place = self.shape.has("place").then(|| self.column("place")).flatten();
        Walk { gather: by, place, ..self.by_time() }
    }

    /// Its rows gathered by the conversations that they speak of, by the ids of those.
    pub(super) fn by_conversation<'f>(&'f self, plan: &'f Plan) -> Walk<'f> {
        let walk = self.gathered(self.column("conversation"));
        let through = plan.link(self).and_then(|link| {
            let other = plan.of(Kind::Conversations).find(|other| other.name() == link.table)?;
            let wanted = other.column("id")?;
            let column = other.table.column(&link.column)?;
            (column != wanted).then_some(Through { table: &other.table, column, wanted })
        });
        Walk { through, ..walk }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::foreign::{Column, Reference, Sort};

    fn table(name: &str, columns: &str) -> Table {
        let column = |name: &str| Column { name: name.to_owned(), sort: Sort::Other };
        Table {
            name: name.to_owned(),
            columns: columns.split(' ').map(column).collect(),
            readable: true,
            ..Table::default()
        }
    }

    #[track_caller]
    fn holds(name: &str, columns: &str, kind: impl Into<Option<Kind>>) {
        let found = shape::recognised(&table(name, columns)).map(|shape| shape.kind);
        assert_eq!(found, kind.into(), "{name}({columns})");
    }

    #[test]
    fn a_table_is_known_by_its_name_and_its_columns() {
        holds("users", "id email name hashed_password", Kind::Users);
        holds("users", "id name", None);
        holds("conversations", "id user_id status created_at", Kind::Conversations);
        holds("chat_sessions", "session_id user_id started_at", Kind::Conversations);
        holds("messages", "id conversation_id role content created_at metadata", Kind::Messages);
        holds("conversation_messages", "id session_id sender message timestamp", Kind::Messages);
        holds("whatever_was_said", "id session_id Role Content", Kind::Messages);
        holds("agent_states", "id conversation_id agent_name state_data", Kind::AgentStates);
        holds("workflow_states", "id session_id workflow_type current_step state", Kind::WorkflowStates);
        holds("interactions", "id conversation_id user_message agent_response intent", Kind::Interactions);
        holds("escalations", "id conversation_id reason status contact_info", Kind::Escalations);
        holds(
            "escalation_requests",
            "id session_id customer_name customer_email priority status",
            Kind::Escalations,
        );
        holds("human_escalations", "id conversation_id trigger_type", Kind::Escalations);
        holds("knowledge_documents", "id title content source_url", Kind::Knowledge);
        holds("structured_insights", "contact_id member_name eni_source_type personal", Kind::Insights);
        holds("crm_notes_2023", "contact_id eni_source_types insights", Kind::Insights);
        holds("reasoning_traces", "id task trajectory outcome", Kind::Traces);
        holds("memory_items", "id trace_id title content pattern_tags", Kind::Memories);
        for (name, columns) in [
            ("alembic_version", "version_num"),
            ("orders", "id customer_id status created_at"),
            ("articles_read", "id title content"),
            ("notes", "id text created_at"),
            ("contacts", "contact_id name email"),
        ] {
            holds(name, columns, None);
        }
    }

    #[test]
    fn a_message_points_to_what_is_declared_or_else_to_a_column_of_its_name_or_to_the_key() {
        let link = |conversations: Table, messages: Table| {
            let plan = Plan::new(vec![conversations, messages]);
            let found = plan.of(Kind::Messages).next().unwrap();
            plan.link(found).map(|link| format!("{}.{}", link.table, link.column))
        };
        let messages = table("messages", "id conversation_id role content");
        let key = table("conversations", "id user_id status");
        assert_eq!(link(key, messages.clone()).unwrap(), "conversations.id");
        let same = table("conversations", "id conversation_id status");
        assert_eq!(link(same.clone(), messages.clone()).unwrap(), "conversations.conversation_id");
        let reference = Reference {
            column: "conversation_id".to_owned(),
            table: "conversations".to_owned(),
            other: "id".to_owned(),
        };
        let declared = Table { references: vec![reference], ..messages.clone() };
        assert_eq!(link(same, declared).unwrap(), "conversations.id");
        assert_eq!(link(table("orders", "id"), messages), None);
    }
}
