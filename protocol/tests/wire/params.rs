//! Reading parameters: every bad field at once, in words, without echoing what was sent.

use proptest::prelude::*;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use switchboard_protocol::methods::{
    ConversationList, ConversationRate, EscalationRequest, InsightBatchUpsert, InsightSync, KnowledgeAdd,
    KnowledgeSearch, MessageList, MessageSend, SessionOpen, TurnCancel,
};
use switchboard_protocol::params::{self, Params};
use switchboard_protocol::{ErrorKind, Fault};

const ID: &str = "0198c0de-7a00-7000-8000-000000000001";

#[test]
fn an_entry_of_a_batch_that_cannot_be_read_leaves_the_others_alone() {
    let text = r#"{"insights": [
        {"contact_id": "a", "insights": {"personal": "x"}, "record_count": 1e999},
        {"contact_id": "b", "insights": {"personal": "x"}}
    ]}"#;
    let batch: InsightBatchUpsert = params::read(Some(serde_json::from_str(text).unwrap())).unwrap();
    let mut entries = batch.read();
    let failed = entries.next().unwrap().unwrap_err();
    assert_eq!((failed.index, &*failed.errors[0].problem), (0, "must not hold a number so large"));
    assert_eq!(entries.next().unwrap().unwrap().insight.contact_id, "b");
}

#[test]
fn every_bad_field_is_named_at_once() {
    bad::<MessageSend>(
        &json!({ "conversation_id": "nonsense", "content": "", "attachments": "x", "wait_reply_ms": -1 }),
        &[
            ("attachments", "must be an array"),
            ("client_id", "is required"),
            ("content", "must not be empty"),
            ("conversation_id", "must be a UUID"),
            ("wait_reply_ms", "must be at least 0"),
        ],
    );
    bad::<SessionOpen>(
        &json!({
            "mode": "pirate",
            "user": { "email": 5, "name": "x".repeat(256), "phone": null },
            "position": { "seq": 1.5 },
            "session_id": "",
            "metadata": [],
        }),
        &[
            ("metadata", "must be an object"),
            ("mode", "must be one of customer, banker"),
            ("position.epoch", "is required"),
            ("position.seq", "must be an integer"),
            ("session_id", "must not be empty"),
            ("user.email", "must be a string"),
            ("user.name", "must have at most 255 characters"),
        ],
    );
    bad::<EscalationRequest>(
        &json!({ "conversation_id": ID, "contact": "call me" }),
        &[("contact", "must be an object")],
    );
    bad::<ConversationRate>(
        &json!({ "conversation_id": ID, "score": 6, "comment": "x".repeat(2_001) }),
        &[("comment", "must have at most 2000 characters"), ("score", "must be at most 5")],
    );
    bad::<MessageSend>(
        &json!({ "conversation_id": ID, "client_id": ID, "content": "a", "attachments": [ID, "b"] }),
        &[("attachments.1", "must be a UUID")],
    );
}

#[test]
fn a_sync_is_of_one_contact_or_of_some_hours_or_of_all() {
    for params in
        [json!({"contact_id": "C-1"}), json!({"hours_back": 1}), json!({"all": true, "contact_id": null})]
    {
        good::<InsightSync>(&params);
    }
    let all = "must be true where neither contact_id nor hours_back is there";
    bad::<InsightSync>(&json!({}), &[("all", all)]);
    bad::<InsightSync>(&json!({"all": false}), &[("all", all)]);
    bad::<InsightSync>(
        &json!({"all": true, "hours_back": 1}),
        &[("all", "cannot come together with contact_id or hours_back")],
    );
    bad::<InsightSync>(
        &json!({"contact_id": "C-1", "hours_back": 1}),
        &[("hours_back", "cannot come together with contact_id")],
    );
    bad::<InsightSync>(&json!({"hours_back": 0}), &[("hours_back", "must be at least 1")]);
    bad::<InsightSync>(&json!({"hours_back": 87_601}), &[("hours_back", "must be at most 87600")]);
}

#[test]
fn documents_are_examined_one_by_one() {
    let document =
        json!({ "title": "Cards", "content": "Lock it.", "source_url": "https://bank.example/cards" });
    good::<KnowledgeAdd>(&json!({ "documents": [document, { "title": "t", "content": "c", "id": null }] }));
    bad::<KnowledgeAdd>(
        &json!({ "documents": [
            { "id": ID, "title": " ", "content": "\n" },
            { "id": ID, "title": "x".repeat(501), "content": "x".repeat(500_001), "source_url": "javascript:alert(1)" },
            { "title": "t", "content": "c", "topic_collection": "", "content_type": "secret", "metadata": [] },
            { "title": "t", "content": "c", "metadata": { "k": "x".repeat(16 * 1024) }, "source_url": "https://" },
            ["t", "c"],
            null,
        ] }),
        &[
            ("documents.0.content", "must not be blank"),
            ("documents.0.title", "must not be blank"),
            ("documents.1.content", "must have at most 500000 characters"),
            ("documents.1.id", "is that of an earlier one"),
            ("documents.1.source_url", "must begin with https:// or http://"),
            ("documents.1.title", "must have at most 500 characters"),
            ("documents.2.content_type", "must be one of public, synthetic"),
            ("documents.2.metadata", "must be an object"),
            ("documents.2.topic_collection", "must not be empty"),
            ("documents.3.metadata", "must be at most 16 KiB as JSON"),
            ("documents.3.source_url", "must begin with https:// or http://"),
            ("documents.4", "must be an object"),
            ("documents.5", "must be an object"),
        ],
    );
    bad::<KnowledgeAdd>(&json!({ "documents": [] }), &[("documents", "must have at least 1 entries")]);
    bad::<KnowledgeAdd>(&json!({}), &[("documents", "is required")]);
    bad::<KnowledgeSearch>(
        &json!({ "query": "", "limit": 101, "mode": "magic" }),
        &[
            ("limit", "must be at most 100"),
            ("mode", "must be one of hybrid, vector, text"),
            ("query", "must not be empty"),
        ],
    );
}

#[test]
fn missing_parameters_are_each_named() {
    let error = params::read::<TurnCancel>(None).expect_err("refused");
    assert_eq!(fields(&error.fault), [("conversation_id".to_owned(), "is required".to_owned())]);
    assert!(params::read::<ConversationList>(None).is_ok());
}

#[test]
fn positional_parameters_are_refused() {
    bad::<TurnCancel>(
        &json!([ID]),
        &[
            ("conversation_id", "is required"),
            ("params", "must be an object with named parameters, not an array"),
        ],
    );
    bad::<ConversationList>(
        &json!([]),
        &[("params", "must be an object with named parameters, not an array")],
    );
    bad::<SessionOpen>(&json!({ "position": ["k3v9", 1] }), &[("position", "must be an object")]);
}

#[test]
fn null_is_absence_and_the_unknown_is_ignored() {
    let null = json!({
        "token": null, "resume": null, "workspace": null, "conversation_id": null, "session_id": null,
        "position": null, "mode": null, "user": null, "metadata": null, "from_a_newer_client": [1],
    });
    assert_eq!(good::<SessionOpen>(&null), SessionOpen::default());
    let user = good::<SessionOpen>(&json!({ "user": { "name": null, "pet": "dog" } })).user.unwrap();
    assert_eq!(user.name, None);
}

#[test]
fn lengths_count_characters() {
    let send = |content: String| json!({ "conversation_id": ID, "client_id": ID, "content": content });
    for content in ["x".repeat(10_000), "💬".repeat(10_000), " ".to_owned()] {
        good::<MessageSend>(&send(content));
    }
    for content in ["x".repeat(10_001), "💬".repeat(10_001)] {
        bad::<MessageSend>(&send(content), &[("content", "must have at most 10000 characters")]);
    }
}

#[test]
fn metadata_has_a_size() {
    let open = |bytes: usize| json!({ "metadata": { "k": "x".repeat(bytes - r#"{"k":""}"#.len()) } });
    good::<SessionOpen>(&open(16 * 1024));
    bad::<SessionOpen>(&open(16 * 1024 + 1), &[("metadata", "must be at most 16 KiB as JSON")]);
}

#[test]
fn lists_have_a_limit_and_one_bound() {
    let list = |more: Value| {
        let mut params = json!({ "conversation_id": ID });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    assert_eq!(good::<MessageList>(&list(json!({}))).rows(), 50);
    assert_eq!(good::<MessageList>(&list(json!({ "limit": 200 }))).rows(), 200);
    good::<MessageList>(&list(json!({ "after_seq": 0, "before_seq": null })));
    bad::<MessageList>(&list(json!({ "limit": 201 })), &[("limit", "must be at most 200")]);
    bad::<MessageList>(&list(json!({ "limit": 0 })), &[("limit", "must be at least 1")]);
    bad::<MessageList>(
        &list(json!({ "after_seq": 1, "before_seq": 5 })),
        &[("after_seq", "cannot come together with before_seq")],
    );
    bad::<MessageList>(
        &list(json!({ "after_seq": -1, "before_seq": 9_007_199_254_740_992_i64 })),
        &[("after_seq", "must be at least 0"), ("before_seq", "must be at most 9007199254740991")],
    );
    // JSON does not tell 5.0 from 5, nor does the schema.
    assert_eq!(good::<MessageList>(&list(json!({ "after_seq": 5.0 }))).after_seq.unwrap().get(), 5);
}

#[test]
fn the_null_character_is_refused_wherever_it_stands() {
    bad::<MessageSend>(
        &json!({
            "conversation_id": ID, "client_id": ID, "content": "a\0b",
            "metadata": { "deep": [1, { "er": "\0" }], "\0": 1 }, "unknown": "\0",
        }),
        &[
            ("content", "must not contain the character U+0000"),
            ("metadata.deep.1.er", "must not contain the character U+0000"),
            ("metadata.\u{fffd}", "must not contain the character U+0000"),
            ("unknown", "must not contain the character U+0000"),
        ],
    );
    let spelled = r"not one: \u0000";
    let params = json!({ "conversation_id": ID, "client_id": ID, "content": spelled });
    assert_eq!(good::<MessageSend>(&params).content, spelled);
}

#[test]
fn values_that_json_allows_and_nobody_can_hold_are_named() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let text = format!(
        r#"{{"conversation_id":"{ID}","client_id":7,"content":"\ud800","metadata":{{"a":{deep}}},"other":1e999}}"#
    );
    let raw: &serde_json::value::RawValue = serde_json::from_str(&text).unwrap();
    let error = params::read::<MessageSend>(Some(raw)).expect_err("refused");
    // What is not known is ignored, also where it cannot be read.
    assert_eq!(
        fields(&error.fault),
        [
            ("client_id", "must be a string"),
            ("content", "must be valid Unicode"),
            ("metadata", "must not be nested so deeply"),
        ]
        .map(|(field, problem)| (field.to_owned(), problem.to_owned()))
    );
    let text = format!(r#"{{"conversation_id":"{ID}","score":1e999,"other":1e999}}"#);
    let error = params::read::<ConversationRate>(Some(serde_json::from_str(&text).unwrap()));
    let problem = ("score".to_owned(), "must not hold a number so large".to_owned());
    assert_eq!(fields(&error.expect_err("refused").fault), [problem]);
}

#[test]
fn ids_have_one_spelling() {
    let bare = ID.replace('-', "");
    for id in [bare.as_str(), &format!("{{{ID}}}"), &format!("urn:uuid:{ID}")] {
        bad::<TurnCancel>(&json!({ "conversation_id": id }), &[("conversation_id", "must be a UUID")]);
    }
    good::<TurnCancel>(&json!({ "conversation_id": ID.to_uppercase() }));
}

#[test]
fn nothing_that_was_sent_comes_back() {
    let sent =
        json!({ "conversation_id": "hunter2", "client_id": "hunter2", "content": 1, "metadata": "hunter2" });
    let raw = to_raw_value(&sent).unwrap();
    let error = params::read::<MessageSend>(Some(&raw)).expect_err("refused");
    assert!(!json!(error).to_string().contains("hunter2"));
}

#[test]
fn a_request_with_a_thousand_faults_gets_a_short_answer() {
    let sent =
        json!({ "conversation_id": ID, "client_id": ID, "content": "a", "attachments": vec!["x"; 1000] });
    let raw = to_raw_value(&sent).unwrap();
    let error = params::read::<MessageSend>(Some(&raw)).expect_err("refused");
    assert_eq!(fields(&error.fault).len(), 32);
}

/// Values at the borders of what is allowed, and of every type.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop::sample::select(vec![-1_i64, 0, 1, 5, 6, 200, 201, 120_000, 120_001, i64::MAX])
            .prop_map(Value::from),
        prop::sample::select(vec![0.5, 2.0, 1e300]).prop_map(Value::from),
        prop::sample::select(vec![0_usize, 1, 64, 65, 100, 101, 128, 129, 255, 256, 320, 321, 2_000, 2_001])
            .prop_map(|length| Value::from("é".repeat(length))),
        Just(json!(ID)),
        prop::sample::select(vec!["customer", "banker"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            members(inner).prop_map(Value::from),
        ]
    })
}

fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = serde_json::Map<String, Value>> {
    let name = prop::sample::select(vec![
        "token",
        "resume",
        "workspace",
        "conversation_id",
        "client_id",
        "session_id",
        "position",
        "epoch",
        "seq",
        "mode",
        "user",
        "email",
        "name",
        "phone",
        "hash",
        "external_id",
        "metadata",
        "content",
        "attachments",
        "wait_reply_ms",
        "before_seq",
        "after_seq",
        "limit",
        "score",
        "comment",
        "reason",
        "contact",
        "cursor",
    ]);
    prop::collection::vec((name.prop_map(str::to_owned), value), 0..8)
        .prop_map(|members| members.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    /// The fast path and the schema accept the same parameters.
    #[test]
    fn both_paths_agree(members in members(value()), with_ids in any::<bool>()) {
        let mut sent = members;
        if with_ids {
            sent.insert("conversation_id".to_owned(), ID.into());
            sent.insert("client_id".to_owned(), ID.into());
        }
        agree::<SessionOpen>(&sent)?;
        agree::<MessageSend>(&sent)?;
        agree::<MessageList>(&sent)?;
        agree::<EscalationRequest>(&sent)?;
        agree::<ConversationRate>(&sent)?;
        agree::<ConversationList>(&sent)?;
    }
}

/// An escaped nothing in the text sends the same parameters down the slow path.
fn agree<T: Params + PartialEq + std::fmt::Debug>(
    sent: &serde_json::Map<String, Value>,
) -> Result<(), TestCaseError> {
    let fast = params::read::<T>(Some(&to_raw_value(sent).unwrap()));
    let mut slow = sent.clone();
    slow.insert("unknown".to_owned(), r"\u0000".into());
    let slow = params::read::<T>(Some(&to_raw_value(&slow).unwrap()));
    prop_assert_eq!(&fast, &slow);
    if let Err(error) = fast {
        let Fault::InvalidParams { fields } = error.fault else { panic!("{error}") };
        prop_assert!(fields.iter().all(|bad| bad.field != "params"), "no field is named: {:?}", fields);
    }
    Ok(())
}

fn good<T: Params>(sent: &Value) -> T {
    params::read(Some(&to_raw_value(sent).unwrap())).unwrap_or_else(|error| panic!("{error}: {sent}"))
}

fn bad<T: Params>(sent: &Value, expected: &[(&str, &str)]) {
    let Err(error) = params::read::<T>(Some(&to_raw_value(sent).unwrap())) else {
        panic!("accepted: {sent}")
    };
    assert_eq!(error.kind(), ErrorKind::InvalidParams);
    let mut expected: Vec<_> =
        expected.iter().map(|(field, problem)| ((*field).to_owned(), (*problem).to_owned())).collect();
    expected.sort();
    assert_eq!(fields(&error.fault), expected);
    for (field, problem) in &expected {
        assert!(error.message.contains(&format!("{field} {problem}")), "{}", error.message);
    }
}

fn fields(fault: &Fault) -> Vec<(String, String)> {
    let Fault::InvalidParams { fields } = fault else { panic!("{fault:?}") };
    let mut fields: Vec<_> = fields.iter().map(|bad| (bad.field.clone(), bad.problem.clone())).collect();
    fields.sort();
    fields
}
