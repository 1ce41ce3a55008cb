//! What a webhook is sent.

use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::outbox::{Event, EventKind, WebhookKind};

/// The body of a delivery, the same in every attempt.
pub fn body(kind: WebhookKind, event: &Event) -> String {
    match kind {
        WebhookKind::Standard => standard(event),
        WebhookKind::Slack => json!({ "text": sentence(event) }),
    }
    .to_string()
}

fn standard(event: &Event) -> Value {
    let mut data = json!({ "workspace_id": event.workspace });
    if let (Some(data), Some(payload)) = (data.as_object_mut(), event.payload.as_object()) {
        data.extend(payload.clone());
    }
    json!({ "type": event.kind.name(), "timestamp": written(event.at), "data": data })
}

fn written(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn sentence(event: &Event) -> String {
    let text = |name: &str| escaped(event.payload.get(name).and_then(Value::as_str).unwrap_or_default());
    match event.kind {
        EventKind::EscalationCreated => {
            let about = match text("issue_type").as_str() {
                "" => String::new(),
                issue => format!(" about {issue}"),
            };
            let priority = event.payload.get("priority").and_then(Value::as_i64).unwrap_or_default();
            format!(
                "A visitor waits for a person{about}: {}, priority {priority}. Conversation {}",
                text("trigger_type"),
                text("conversation_id")
            )
        }
        EventKind::ProcessingFailed => {
            format!("Processing has failed: {}. `insight.stats` lists what, and why.", text("kind"))
        }
        EventKind::WebhookTest => "A test of this webhook by Switchboard.".to_owned(),
    }
}

/// To Slack these three are signs of its own.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn event(issue: &str) -> Event {
        Event {
            id: Uuid::from_u128(1),
            workspace: Uuid::from_u128(2).into(),
            kind: EventKind::EscalationCreated,
            subject: Uuid::from_u128(3),
            payload: json!({
                "escalation_id": Uuid::from_u128(3),
                "conversation_id": Uuid::from_u128(4),
                "trigger_type": "sensitive",
                "issue_type": issue,
                "priority": 2,
            }),
            at: "2026-03-01T09:30:00.250Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_standard_body_has_a_type_a_time_and_data() {
        let body: Value = serde_json::from_str(&body(WebhookKind::Standard, &event("complaint"))).unwrap();
        assert_eq!(
            body,
            json!({
                "type": "escalation.created",
                "timestamp": "2026-03-01T09:30:00.250Z",
                "data": {
                    "workspace_id": "00000000-0000-0000-0000-000000000002",
                    "escalation_id": "00000000-0000-0000-0000-000000000003",
                    "conversation_id": "00000000-0000-0000-0000-000000000004",
                    "trigger_type": "sensitive",
                    "issue_type": "complaint",
                    "priority": 2,
                },
            })
        );
    }

    #[test]
    fn the_signs_of_slack_are_escaped_once() {
        let body: Value = serde_json::from_str(&body(WebhookKind::Slack, &event("<!channel> & co"))).unwrap();
        let text = body["text"].as_str().unwrap();
        assert!(text.contains("about &lt;!channel&gt; &amp; co: sensitive"), "{text}");
        assert!(body.as_object().unwrap().len() == 1);
    }
}
