//! The staff's side of the fake server: escalations, who has them, and who is told.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Lie, NOW_AND_THEN, Outbox};

/// A token with which somebody of the staff comes in.
pub const STAFF: &str = "staff";

#[derive(Default)]
pub struct Desk {
    /// As they stand, in the order in which they were asked for.
    rows: Vec<Value>,
    /// Which of them changed, one after the other: a cursor is a place in it.
    changes: Vec<usize>,
    consoles: Vec<Outbox>,
}

impl Desk {
    pub fn answer(&mut self, lie: Lie, method: &str, params: &Value, outbox: &Outbox) -> Value {
        match method {
            "escalation.request" => {
                self.rows.push(json!({
                    "id": Uuid::from_u128(self.rows.len() as u128 + 1), "version": 0, "status": null, "assignee": null,
                    "conversation_id": params["conversation_id"],
                }));
                self.change(lie, self.rows.len() - 1, "notified", &Value::Null)
            }
            "escalation.claim" => self.held(lie, params, "in_progress", &person(1)),
            "escalation.assign" => self.held(lie, params, "in_progress", &person(2)),
            "escalation.release" => self.held(lie, params, "notified", &Value::Null),
            "escalation.resolve" => self.held(lie, params, "resolved", &person(1)),
            "escalation.subscribe" => self.subscribe(lie, params, outbox),
            "escalation.list" => json!({"escalations": self.rows, "next_cursor": null}),
            _ => panic!("the tester asked for {method}"),
        }
    }

    fn held(&mut self, lie: Lie, params: &Value, status: &str, assignee: &Value) -> Value {
        let nth = self.rows.iter().position(|row| row["id"] == params["id"]).unwrap();
        self.change(lie, nth, status, assignee)
    }

    fn change(&mut self, lie: Lie, nth: usize, status: &str, assignee: &Value) -> Value {
        let row = &mut self.rows[nth];
        row["version"] = (row["version"].as_u64().unwrap() + 1).into();
        (row["status"], row["assignee"]) = (status.into(), assignee.clone());
        self.changes.push(nth);
        let mut told = row.clone();
        // About some escalations it lies always: a later truth would make up for an earlier lie.
        let lying = nth.is_multiple_of(NOW_AND_THEN);
        if lying && lie == Lie::Alters {
            told["assignee"] = person(3);
        }
        let params = json!({"escalation": told, "cursor": self.changes.len().to_string()});
        let frame = json!({"jsonrpc": "2.0", "method": "escalation.updated", "params": params}).to_string();
        if !(lying && lie == Lie::Loses) {
            self.consoles.retain(|console| console.try_send(frame.clone()).is_ok());
        }
        json!({"escalation": row})
    }

    fn subscribe(&mut self, lie: Lie, params: &Value, outbox: &Outbox) -> Value {
        self.consoles.push(outbox.clone());
        let since = params["since"].as_str().map(|since| since.parse::<usize>().unwrap());
        let missed: Vec<&Value> = match since {
            Some(_) if lie == Lie::FalseRecovery => Vec::new(),
            Some(since) => self
                .rows
                .iter()
                .enumerate()
                .filter(|(nth, _)| self.changes[since..].contains(nth))
                .map(|(_, row)| row)
                .collect(),
            None => self.rows.iter().collect(),
        };
        json!({
            "escalations": missed, "cursor": self.changes.len().to_string(), "snapshot": since.is_none(), "staff": [],
        })
    }
}

fn person(nth: u128) -> Value {
    json!({"id": Uuid::from_u128(nth), "name": "somebody"})
}
