//! One golden file a method and a notification: each example is read into its type and written again.
//!
//! The examples are what the published schema promises, so each is also held against that.

use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use switchboard_protocol::methods::{Call, METHODS};
use switchboard_protocol::notifications::{self, NOTIFICATIONS, Notice};
use switchboard_protocol::{auth, envelope, methods, params, schema};

#[test]
fn methods_read_and_write_as_golden() {
    let golden = Golden::new();
    let checked = [
        golden.method::<methods::SessionOpen>(),
        golden.method::<methods::SessionRefresh>(),
        golden.method::<methods::MessageSend>(),
        golden.method::<methods::MessageList>(),
        golden.method::<methods::MessageRead>(),
        golden.method::<methods::MessageFeedback>(),
        golden.method::<methods::Typing>(),
        golden.method::<methods::TurnCancel>(),
        golden.method::<methods::EscalationRequest>(),
        golden.method::<methods::ConversationClose>(),
        golden.method::<methods::ConversationRate>(),
        golden.method::<methods::ConversationList>(),
        golden.method::<methods::EscalationSubscribe>(),
        golden.method::<methods::EscalationList>(),
        golden.method::<methods::EscalationGet>(),
        golden.method::<methods::EscalationClaim>(),
        golden.method::<methods::EscalationAssign>(),
        golden.method::<methods::EscalationRelease>(),
        golden.method::<methods::EscalationResolve>(),
        golden.method::<methods::ConversationJoin>(),
        golden.method::<methods::ConversationLeave>(),
        golden.method::<methods::ConversationTakeover>(),
        golden.method::<methods::NotesList>(),
        golden.method::<methods::CannedList>(),
        golden.method::<methods::CannedSave>(),
        golden.method::<methods::CannedDelete>(),
        golden.method::<methods::StaffPresence>(),
        golden.method::<methods::MemoryAddTrace>(),
        golden.method::<methods::MemoryQuery>(),
        golden.method::<methods::MemoryGetTrace>(),
        golden.method::<methods::MemoryDeleteTrace>(),
        golden.method::<methods::MemoryStats>(),
        golden.method::<methods::KnowledgeAdd>(),
        golden.method::<methods::KnowledgeSearch>(),
        golden.method::<methods::KnowledgeList>(),
        golden.method::<methods::KnowledgeGet>(),
        golden.method::<methods::KnowledgeDelete>(),
        golden.method::<methods::InsightUpsert>(),
        golden.method::<methods::InsightBatchUpsert>(),
        golden.method::<methods::InsightValidate>(),
        golden.method::<methods::InsightGet>(),
        golden.method::<methods::InsightList>(),
        golden.method::<methods::InsightSearch>(),
        golden.method::<methods::InsightCount>(),
        golden.method::<methods::InsightStats>(),
        golden.method::<methods::InsightDelete>(),
        golden.method::<methods::InsightSync>(),
        golden.method::<methods::InsightSyncStatus>(),
        golden.method::<methods::MetricsGet>(),
        golden.method::<methods::InteractionList>(),
        golden.method::<methods::WorkflowGet>(),
    ];
    let known: Vec<_> = METHODS.iter().map(|entry| entry.method.name()).collect();
    assert_eq!(checked.as_slice(), known, "every method has a golden file");
}

#[test]
fn notifications_read_and_write_as_golden() {
    let golden = Golden::new();
    let checked = [
        golden.notification::<notifications::MessageCreated>(),
        golden.notification::<notifications::MessageDelta>(),
        golden.notification::<notifications::MessageWithdrawn>(),
        golden.notification::<notifications::MessageRejected>(),
        golden.notification::<notifications::ConversationUpdated>(),
        golden.notification::<notifications::ReadUpdated>(),
        golden.notification::<notifications::WorkflowStep>(),
        golden.notification::<notifications::TypingUpdated>(),
        golden.notification::<notifications::ServerDraining>(),
        golden.notification::<notifications::EscalationUpdated>(),
        golden.notification::<notifications::NoteCreated>(),
        golden.notification::<notifications::PresenceUpdated>(),
    ];
    let known: Vec<_> = NOTIFICATIONS.iter().map(|entry| entry.name).collect();
    assert_eq!(checked.as_slice(), known, "every notification has a golden file");
}

#[test]
fn endpoints_read_and_write_as_golden() {
    let golden = Golden::new();
    let checked = [
        golden.endpoint::<auth::Register, methods::Empty>("POST /api/auth/register"),
        golden.endpoint::<auth::Login, auth::LoggedIn>("POST /api/auth/login"),
        golden.endpoint::<auth::Refresh, auth::LoggedIn>("POST /api/auth/refresh"),
        golden.endpoint::<auth::Logout, methods::Empty>("POST /api/auth/logout"),
        golden.answer::<auth::Me>("GET /api/auth/me"),
    ];
    let known: Vec<_> = auth::ENDPOINTS.iter().map(|endpoint| endpoint.name).collect();
    assert_eq!(checked.as_slice(), known, "every endpoint has a golden file");
}

#[test]
fn times_have_milliseconds_and_a_z() {
    let read = |text: &str| serde_json::from_value::<switchboard_protocol::Timestamp>(json!(text)).unwrap();
    for (sent, written) in [
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00.000Z"),
        ("2026-03-01T09:30:00.123456Z", "2026-03-01T09:30:00.123Z"),
        ("2026-03-01T11:30:00.5+02:00", "2026-03-01T09:30:00.500Z"),
    ] {
        assert_eq!(json!(read(sent)), written);
        assert_eq!(read(sent), read(written));
    }
}

struct Golden {
    document: Value,
}

impl Golden {
    fn new() -> Self {
        Self { document: schema::document() }
    }

    fn method<C: Call + Serialize>(&self) -> &'static str {
        let name = C::METHOD.name();
        let file = read("methods", name);
        for example in examples(&file, "params") {
            self.valid(&format!("/methods/{name}/params"), example);
            again::<C>(example);
            // What a golden file shows is also what the server accepts.
            let raw = serde_json::value::to_raw_value(example).unwrap();
            assert_eq!(json!(params::read::<C>(Some(&raw)).unwrap()), *example);
        }
        for example in examples(&file, "result") {
            self.valid(&format!("/methods/{name}/result"), example);
            again::<C::Result>(example);
        }
        name
    }

    fn notification<N: Notice + DeserializeOwned>(&self) -> &'static str {
        let file = read("notifications", N::METHOD);
        for example in examples(&file, "params") {
            self.valid(&format!("/notifications/{}/params", N::METHOD), example);
            let frame = again::<N>(example).frame();
            assert_eq!(
                serde_json::from_str::<Value>(&frame).unwrap(),
                json!({ "jsonrpc": "2.0", "method": N::METHOD, "params": example })
            );
            let envelope::Received::Notification { method, .. } = envelope::Received::parse(&frame).unwrap()
            else {
                panic!("a notification is read as one: {frame}");
            };
            assert_eq!(method, N::METHOD);
        }
        N::METHOD
    }

    fn endpoint<B: params::Params + Serialize, A: DeserializeOwned + Serialize>(
        &self,
        name: &'static str,
    ) -> &'static str {
        for example in examples(&read("endpoints", file_of(name)), "body") {
            self.valid(&format!("/endpoints/{}/body", name.replace('/', "~1")), example);
            again::<B>(example);
            let raw = serde_json::value::to_raw_value(example).unwrap();
            assert_eq!(json!(params::read::<B>(Some(&raw)).unwrap()), *example);
        }
        self.answer::<A>(name)
    }

    fn answer<A: DeserializeOwned + Serialize>(&self, name: &'static str) -> &'static str {
        for example in examples(&read("endpoints", file_of(name)), "answer") {
            self.valid(&format!("/endpoints/{}/answer", name.replace('/', "~1")), example);
            again::<A>(example);
        }
        name
    }

    fn valid(&self, pointer: &str, example: &Value) {
        let mut schema = self.document.pointer(pointer).expect("the document has every schema").clone();
        schema["$defs"] = self.document["$defs"].clone();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<_> = validator.iter_errors(example).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{pointer}: {errors:?} in {example}");
    }
}

/// The last part of an endpoint's path.
fn file_of(endpoint: &str) -> &str {
    endpoint.rsplit('/').next().unwrap_or(endpoint)
}

/// Reads an example into its type and writes it again, unchanged.
fn again<T: DeserializeOwned + Serialize>(example: &Value) -> T {
    let read: T =
        serde_json::from_value(example.clone()).unwrap_or_else(|error| panic!("{error}: {example}"));
    assert_eq!(json!(read), *example);
    read
}

fn examples<'a>(file: &'a Value, part: &str) -> &'a [Value] {
    let examples = file[part].as_array().expect("a golden file has lists of examples");
    assert!(!examples.is_empty());
    examples
}

fn read(kind: &str, name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(kind).join(name);
    let path = path.with_added_extension("json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}
