//! Requests for a person, of either kind that older desks had. Those that are settled come at once; one that is still open
//! comes with its conversation, and waits there for whoever takes it.

use serde_json::{Map, Value, json};
use switchboard_protocol::limits;
use uuid::Uuid;

use super::super::patiently;
use super::ledger::Page;
use super::plan::{Found, Plan};
use super::row::Row;
use super::shape::Kind;
use super::{PART, Run, Waiting};
use crate::domain::clock;
use crate::domain::escalation::Trigger;
use crate::domain::masking;
use crate::store::administration::bulk::Brought;

/// Characters of a text that tells what it is about.
const TEXT: usize = limits::CONTENT;
const RESOLVED: [&str; 8] =
    ["resolved", "closed", "completed", "complete", "done", "cancelled", "canceled", "handed_back"];
const TRIGGERS: [(&str, Trigger); 9] = [
    ("human_request", Trigger::UserRequest),
    ("user_requested", Trigger::UserRequest),
    ("requested", Trigger::UserRequest),
    ("confidence", Trigger::LowConfidence),
    ("no_answer", Trigger::InsufficientEvidence),
    ("no_evidence", Trigger::InsufficientEvidence),
    ("error", Trigger::AgentError),
    ("takeover", Trigger::StaffTakeover),
    ("sensitive_topic", Trigger::Sensitive),
];

impl Run {
    pub(super) async fn requests(&mut self, plan: &Plan) -> anyhow::Result<()> {
        for found in plan.of(Kind::Escalations) {
            let page = self.begin(found).await?;
            let mut lines = self.foreign.walk(&[found.by_time()]);
            let (mut settled, mut open) = (Waiting::default(), Vec::new());
            while let Some(line) = lines.next().await? {
                let Some((row, place)) = self.row(found, page, &line).await? else { continue };
                match self.request(plan, found, row) {
                    Ok(row) if row["status"] == "resolved" => {
                        self.wait(Brought::Escalations, &mut settled, row, page, place).await?;
                    }
                    Ok(row) => open.push((row, place)),
                    Err(why) => self.ledger.refuse(page, &place, &why).await?,
                }
                if open.len() >= PART {
                    self.hold(page, std::mem::take(&mut open)).await?;
                }
            }
            self.bring(Brought::Escalations, &mut settled).await?;
            self.hold(page, open).await?;
        }
        Ok(())
    }

    /// Keeps what is open for its conversation. Where that is here, it has come before, or is left out.
    async fn hold(&mut self, page: Page, open: Vec<(Value, String)>) -> anyhow::Result<()> {
        let ids: Vec<Uuid> = open.iter().map(|(row, _)| conversation_of(row)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let known = patiently(|| self.desk.known(self.workspace, ids.clone())).await?;
        let mut late = Waiting::default();
        for (row, place) in open {
            let conversation = conversation_of(&row);
            if known.iter().any(|known| known.id == conversation) {
                late.rows.push(row);
                late.places.push((page, place));
            } else {
                self.ledger.new_rows(page, 1);
                self.book.open.entry(conversation).or_default().push(row);
            }
        }
        self.bring(Brought::Escalations, &mut late).await
    }

    fn request(&self, plan: &Plan, found: &Found, mut row: Row) -> Result<Value, String> {
        let key = row.text("id").ok_or("it has no id")?;
        let conversation = self.conversation(plan, found, row.text("conversation").as_deref())?;
        let status = row.text("status").unwrap_or_default();
        let resolved_at = row.time("resolved")?;
        let is_resolved = resolved_at.is_some() || RESOLVED.contains(&status.to_lowercase().as_str());
        let at = row.time("at")?.unwrap_or_else(clock::now);
        let (notified, claimed, updated) =
            (row.time("notified")?, row.time("claimed")?, row.time("updated")?);
        let trigger = trigger_of(&row.text("trigger").unwrap_or_default());
        let contact = contact(&mut row);
        let masked = |text: Option<String>| text.map(|text| masking::mask(&text).into_owned());
        let interaction = row.text("interaction").map(|key| self.interaction_id(plan, &key));
        let mut told = json!({
            "id": self.id("escalation", found.name(), &key), "conversation_id": conversation,
            "interaction_id": interaction, "issue_type": row.short("issue", limits::INTENT),
            "trigger_type": trigger.name(),
            "reason": masked(row.short("reason", limits::COMMENT)),
            "original_request": masked(row.short("request", TEXT)),
            "status": if is_resolved { "resolved" } else { "pending" }, "contact_info": contact,
            "summary": masked(row.short("summary", TEXT)), "priority": priority(&row.text("priority").unwrap_or_default()),
            "resolution": masked(row.short("resolution", TEXT)), "created_at": at, "notified_at": notified,
            "updated_at": updated.or(resolved_at).unwrap_or(at).max(at),
        });
        if is_resolved {
            told["assignee_name"] = json!(row.short("assignee", limits::NAME));
            told["claimed_at"] = json!(claimed);
            told["resolved_at"] = json!(resolved_at.or(updated).unwrap_or(at));
        }
        let context = row.json("context");
        let mut rest = row.rest();
        rest.insert("import_id".to_owned(), json!(key));
        rest.insert("import_status".to_owned(), json!(status));
        rest.extend(context.map(|context| ("context".to_owned(), context)));
        told["conversation_context"] = Value::Object(rest);
        Ok(told)
    }
}

/// The requests of one conversation, of which only the last can be open, and which that is.
pub(super) fn settled(mut open: Vec<Value>) -> (Vec<Value>, Option<Uuid>) {
    open.sort_by_key(|row| row["created_at"].as_str().map(str::to_owned));
    let last = open.last().map(|row| (id_of(row), row["created_at"].clone()));
    let Some((last, at)) = last else { return (open, None) };
    for row in open.iter_mut().filter(|row| id_of(row) != last) {
        row["status"] = json!("resolved");
        row["resolved_at"] = at.clone();
        row["resolution"] = json!("A later request of the same conversation took its place.");
    }
    (open, Some(last))
}

fn id_of(row: &Value) -> Uuid {
    row["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default()
}

fn conversation_of(row: &Value) -> Uuid {
    row["conversation_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default()
}

/// How somebody can be reached: out of one column of JSON, or of a column each.
fn contact(row: &mut Row) -> Option<Value> {
    let had = match row.json("contact") {
        Some(Value::Object(had)) => had,
        Some(Value::String(text)) if text.contains('@') => {
            Map::from_iter([("email".to_owned(), json!(text))])
        }
        Some(other) => Map::from_iter([("name".to_owned(), other)]),
        None => Map::new(),
    };
    let mut known = |fact: &str, most: usize, names: &[&str]| {
        let named =
            names.iter().find_map(|name| had.get(*name)?.as_str()).filter(|text| !text.trim().is_empty());
        named.map(|text| text.chars().take(most).collect()).or_else(|| row.short(fact, most))
    };
    let name: Option<String> = known("name", limits::NAME, &["name", "full_name", "customer_name"]);
    let email: Option<String> = known("email", limits::EMAIL, &["email", "email_address"]);
    let phone: Option<String> = known("phone", limits::PHONE, &["phone", "phone_number", "mobile"]);
    let is_told = name.is_some() || email.is_some() || phone.is_some();
    is_told.then(|| json!({"name": name, "email": email, "phone": phone}))
}

fn trigger_of(name: &str) -> Trigger {
    let name = name.to_lowercase();
    let alike = || TRIGGERS.iter().find(|(part, _)| name.contains(part)).map(|(_, trigger)| *trigger);
    Trigger::from_name(&name).or_else(alike).unwrap_or(Trigger::UserRequest)
}

fn priority(text: &str) -> i16 {
    let text = text.to_lowercase();
    match text.as_str() {
        "urgent" | "critical" | "emergency" => 2,
        "high" => 1,
        "low" => -1,
        _ => text.parse().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::SHAPES;
    use super::*;

    fn row(columns: &Value) -> Row {
        let shape = SHAPES.iter().find(|shape| shape.kind == Kind::Escalations).unwrap();
        Row::read(shape, &columns.to_string()).unwrap()
    }

    #[test]
    fn a_contact_stands_in_one_column_or_in_three() {
        let wanted = json!({"name": "Ann", "email": "ann@shop.example", "phone": null});
        for columns in [
            json!({"contact_info": {"name": "Ann", "email": "ann@shop.example"}}),
            json!({"contact_info": "{\"full_name\": \"Ann\", \"email\": \"ann@shop.example\"}"}),
            json!({"customer_name": "Ann", "customer_email": "ann@shop.example"}),
            json!({"contact": "ann@shop.example", "name": "Ann"}),
        ] {
            assert_eq!(contact(&mut row(&columns)), Some(wanted.clone()), "{columns}");
        }
        assert_eq!(contact(&mut row(&json!({"contact_info": {}}))), None);
    }

    #[test]
    fn only_the_last_request_of_a_conversation_stays_open() {
        let request = |n: u8, at: &str| json!({"id": Uuid::from_bytes([n; 16]), "status": "pending", "created_at": at, "resolved_at": null});
        let (all, open) = settled(vec![request(2, "2024-02"), request(1, "2024-01")]);
        assert_eq!(open, Some(Uuid::from_bytes([2; 16])));
        assert_eq!((&all[0]["status"], &all[1]["status"]), (&json!("resolved"), &json!("pending")));
        assert_eq!(all[0]["resolved_at"], "2024-02");
        assert_eq!(settled(Vec::new()), (Vec::new(), None));
    }

    #[test]
    fn older_words_for_triggers_and_priorities_are_understood() {
        for (name, trigger) in [
            ("low_confidence", Trigger::LowConfidence),
            ("LOW-CONFIDENCE", Trigger::LowConfidence),
            ("user_requested_human", Trigger::UserRequest),
            ("system_error", Trigger::AgentError),
            ("", Trigger::UserRequest),
        ] {
            assert_eq!(trigger_of(name), trigger, "{name}");
        }
        assert_eq!(["URGENT", "high", "medium", "3", ""].map(priority), [2, 1, 0, 3, 0]);
    }
}
