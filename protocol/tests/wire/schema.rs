//! The document served at `/protocol.json`.

use serde_json::{Value, json};
use switchboard_protocol::auth::ENDPOINTS;
use switchboard_protocol::methods::METHODS;
use switchboard_protocol::notifications::NOTIFICATIONS;
use switchboard_protocol::schema;

#[test]
fn every_reference_resolves_within_the_document() {
    let document = schema::document();
    let mut seen = 0;
    each(&document, &mut |value| {
        if let Some(Value::String(reference)) = value.get("$ref") {
            let pointer = reference.strip_prefix('#').expect("a reference within the document");
            assert!(document.pointer(pointer).is_some_and(Value::is_object), "{reference} leads nowhere");
            seen += 1;
        }
    });
    assert!(seen > 50, "only {seen} references: is the document whole?");
}

#[test]
fn every_method_and_notification_is_there() {
    let document = schema::document();
    for entry in METHODS {
        let method = &document["methods"][entry.method.name()];
        assert_eq!(method["http"], entry.method.over_http());
        assert!(method["params"].is_object() && method["result"].is_object());
    }
    for entry in NOTIFICATIONS {
        assert!(document["notifications"][entry.name]["params"].is_object());
    }
    for endpoint in ENDPOINTS {
        let schemas = &document["endpoints"][endpoint.name];
        assert!(
            schemas["answer"].is_object() && schemas["body"].is_object() != endpoint.name.starts_with("GET")
        );
    }
    assert_eq!(document["errors"].as_array().unwrap().len(), 13);
    for error in document["errors"].as_array().unwrap() {
        assert_eq!(error["data"]["properties"]["kind"]["const"], error["kind"]);
    }
    assert_eq!(document["close_codes"][0]["code"], 4000);
    assert_eq!(document["protocol"], "switchboard.v1");
}

/// Which methods `POST /rpc` takes: those that the contract marks.
#[test]
fn http_takes_what_the_contract_says() {
    let over_http: Vec<_> =
        METHODS.iter().map(|entry| entry.method).filter(|method| method.over_http()).collect();
    let names: Vec<_> = over_http.iter().map(|method| method.name()).collect();
    assert_eq!(
        names,
        [
            "session.open",
            "message.send",
            "message.list",
            "message.feedback",
            "escalation.request",
            "conversation.close",
            "conversation.rate",
            "conversation.list",
            "escalation.list",
            "escalation.get",
            "notes.list",
            "canned.list",
            "canned.save",
            "canned.delete",
            "memory.add_trace",
            "memory.query",
            "memory.get_trace",
            "memory.delete_trace",
            "memory.stats",
            "knowledge.add",
            "knowledge.search",
            "knowledge.list",
            "knowledge.get",
            "knowledge.delete",
            "insight.upsert",
            "insight.batch_upsert",
            "insight.validate",
            "insight.get",
            "insight.list",
            "insight.search",
            "insight.count",
            "insight.stats",
            "insight.delete",
            "insight.sync",
            "insight.sync_status",
            "metrics.get",
            "interaction.list",
            "workflow.get",
        ]
    );
}

#[test]
fn lengths_and_choices_are_published() {
    let definitions = &schema::document()["$defs"];
    let content = &definitions["MessageSend"]["properties"]["content"];
    assert_eq!((&content["minLength"], &content["maxLength"]), (&json!(1), &json!(10_000)));
    let limit = &definitions["MessageList"]["properties"]["limit"];
    assert_eq!((&limit["minimum"], &limit["maximum"]), (&json!(1), &json!(200)));
    assert_eq!(
        definitions["Status"]["enum"],
        json!(["active", "waiting", "with_staff", "resolved", "closed"])
    );
    assert_eq!(definitions["MessageSend"]["required"], json!(["conversation_id", "client_id", "content"]));
    let required = definitions["Message"]["required"].as_array().unwrap();
    assert_eq!(required.len(), 12, "a field that may be missing is null, never left out: {required:?}");
}

fn each(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| each(item, visit)),
        Value::Object(members) => members.values().for_each(|member| each(member, visit)),
        _ => {}
    }
}
