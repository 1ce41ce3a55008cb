//! What can be asked of a running server by its administrator, and how it answers: one line of JSON each way at a
//! time, the last of an answer saying that it is done or what went wrong.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::retention::Policies;

/// One request. A name that this version does not know is refused, as is a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    WorkspaceAdd {
        name: String,
        origins: Vec<String>,
        require_verification: bool,
    },
    WorkspaceList,
    /// What is absent stays as it is.
    WorkspaceSet {
        name: String,
        origins: Option<Vec<String>>,
        require_verification: Option<bool>,
        registration_open: Option<bool>,
        #[serde(default)]
        learns: Option<bool>,
        new_secret: bool,
    },
    UserAdd {
        email: String,
        role: String,
        workspace: String,
        password: Option<Password>,
    },
    UserList,
    UserRevoke {
        email: String,
    },
    /// Without a workspace, for all of them.
    KeyAdd {
        name: String,
        role: String,
        workspace: Option<String>,
    },
    KeyList,
    KeyRevoke {
        name: String,
        workspace: Option<String>,
    },
    ImportConversations {
        path: PathBuf,
        workspace: String,
        dry_run: bool,
    },
    /// Out of a database, which is read and not written.
    ImportDeployment {
        address: Address,
        schema: String,
        /// What ids follow from; else the name of the database.
        source: Option<String>,
        workspace: String,
        backup: PathBuf,
        only_conversations: bool,
        dry_run: bool,
    },
    ImportKnowledge {
        path: PathBuf,
        workspace: String,
        topic: Option<String>,
        dry_run: bool,
    },
    ImportInsights {
        path: PathBuf,
        workspace: String,
        backup: PathBuf,
        dry_run: bool,
    },
    ImportChroma {
        path: PathBuf,
        traces: Option<PathBuf>,
        workspace: String,
        dry_run: bool,
    },
    Export {
        folder: PathBuf,
    },
    /// Without a workspace, all of them.
    Reembed {
        workspace: Option<String>,
    },
    /// Days by what they are the policy of.
    RetentionRun {
        policies: Policies,
        archive: Option<PathBuf>,
        dry_run: bool,
    },
    Restored,
    /// Of one contact, else of those of so many hours, else of all.
    Sync {
        sink: String,
        contact: Option<String>,
        hours_back: Option<u32>,
        dry_run: bool,
    },
    WebhookAdd {
        workspace: String,
        url: String,
        kind: String,
        events: Vec<String>,
    },
    /// Without a workspace, those of all.
    WebhookList {
        workspace: Option<String>,
    },
    WebhookSet {
        id: Uuid,
        enabled: bool,
    },
    WebhookRemove {
        id: Uuid,
    },
    WebhookTest {
        id: Uuid,
    },
    WebhookDead {
        workspace: Option<String>,
    },
    /// Without an event, all that are dead.
    WebhookReplay {
        workspace: Option<String>,
        event: Option<Uuid>,
    },
    PersonExport {
        workspace: String,
        who: String,
    },
    PersonErase {
        workspace: String,
        who: String,
    },
    MigrateStatus,
    /// The checks of a database.
    Doctor,
    /// The checks of what is stored.
    DoctorData,
    #[cfg(feature = "test-hooks")]
    Query {
        sql: String,
    },
    /// Dies at this place of the code; see `domain::failpoint`.
    #[cfg(feature = "test-hooks")]
    Arm {
        place: String,
    },
}

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// For standard output.
    Line { line: String },
    /// For standard error: progress, and what explains a line.
    Note { note: String },
    #[cfg(feature = "test-hooks")]
    Rows { rows: Vec<serde_json::Map<String, serde_json::Value>> },
    /// The last line of a command that ran to its end; `failed` when not all of it could be done.
    Done { done: bool, failed: bool },
    /// The last line of one that did not.
    Error { error: String },
}

/// Of a database, which may hold a password, with the variables that fill in what it leaves open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub url: String,
    pub variables: Vec<(String, String)>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Address(…)")
    }
}

/// A password on its way to be hashed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(command: &Command, line: &str) {
        assert_eq!(serde_json::to_string(command).unwrap(), line);
        assert_eq!(serde_json::from_str::<Command>(line).unwrap(), *command);
    }

    #[test]
    fn a_command_is_an_object_named_by_its_command() {
        same(&Command::WorkspaceList, r#"{"command":"workspace_list"}"#);
        same(&Command::UserRevoke { email: "a@b".into() }, r#"{"command":"user_revoke","email":"a@b"}"#);
        same(
            &Command::KeyAdd { name: "crm".into(), role: "service".into(), workspace: None },
            r#"{"command":"key_add","name":"crm","role":"service","workspace":null}"#,
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in ["{}", r#"{"command":"drop"}"#, r#"{"command":"user_revoke"}"#, "[]", "nonsense"] {
            assert!(serde_json::from_str::<Command>(line).is_err(), "{line}");
        }
        let stray = r#"{"command":"user_revoke","email":"a","hard":true}"#;
        assert!(serde_json::from_str::<Command>(stray).unwrap_err().to_string().contains("hard"));
    }

    #[test]
    fn answers_are_told_apart_by_their_field() {
        for (answer, line) in [
            (Answer::Line { line: "a".into() }, r#"{"line":"a"}"#),
            (Answer::Note { note: "a".into() }, r#"{"note":"a"}"#),
            (Answer::Done { done: true, failed: false }, r#"{"done":true,"failed":false}"#),
            (Answer::Error { error: "a".into() }, r#"{"error":"a"}"#),
        ] {
            assert_eq!(serde_json::to_string(&answer).unwrap(), line);
            assert_eq!(serde_json::from_str::<Answer>(line).unwrap(), answer);
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let address = Address {
            url: "postgres://a:hush@b/c".into(),
            variables: vec![("PGPASSWORD".into(), "hush".into())],
        };
        assert!(!format!("{address:?}").contains("hush"));
        let password = Some(Password("hush".into()));
        let command = Command::UserAdd {
            email: "a@b".into(),
            role: "staff".into(),
            workspace: "default".into(),
            password,
        };
        assert!(!format!("{command:?}").contains("hush"));
    }
}
