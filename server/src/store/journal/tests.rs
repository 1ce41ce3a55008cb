//! The journal on a real disk: started again, torn, damaged, full.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::domain::conversation::Conversation;
use crate::domain::message::{Draft, Role};
use crate::domain::visitor::{Profile, Visitor};

const LIMIT: u64 = 1024 * 1024;

fn message(number: u128) -> Accepted {
    Accepted {
        workspace: Uuid::from_u128(1).into(),
        conversation: Uuid::from_u128(2).into(),
        at: chrono::DateTime::from_timestamp(1_800_000_000, 123_456_000).unwrap(),
        draft: Draft {
            client_id: Uuid::from_u128(number).into(),
            role: Role::User,
            author: None,
            content: format!("number {number}, and a \n line"),
            metadata: Some(serde_json::json!({"page": "/", "n": 1.5})),
            attachments: None,
            private: false,
        },
        beginning: None,
    }
}

fn open(folder: &TempDir) -> (Disk, Vec<Accepted>) {
    Disk::open(folder.path(), LIMIT).unwrap()
}

fn append(disk: &mut Disk, messages: &[Accepted]) {
    let lines: Vec<u8> = messages
        .iter()
        .flat_map(|message| disk::line(&Line::Accepted(Box::new(message.clone()))).unwrap())
        .collect();
    let keys: Vec<_> = messages.iter().map(Accepted::key).collect();
    disk.append(&lines, &keys).unwrap();
}

fn segments(folder: &TempDir) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|it| it == "journal")).collect();
    paths.sort();
    paths
}

#[test]
fn what_was_kept_is_there_at_the_next_start_in_order_until_it_is_settled() {
    let folder = TempDir::new().unwrap();
    let messages: Vec<_> = (1..=5).map(message).collect();
    let (mut disk, waiting) = open(&folder);
    assert!(waiting.is_empty() && segments(&folder).is_empty(), "a journal that nobody needs is empty");
    append(&mut disk, &messages[..3]);
    append(&mut disk, &messages[3..]);
    drop(disk);
    let (mut disk, waiting) = open(&folder);
    assert_eq!(waiting, messages);
    assert_eq!(disk.settle([messages[0].key(), messages[3].key()]).len(), 2);
    assert_eq!(disk.settle([messages[0].key()]).len(), 0, "once");
    let settled = [Line::Settled(messages[0].key()), Line::Settled(messages[3].key())];
    let lines: Vec<u8> = settled.iter().flat_map(|settled| disk::line(settled).unwrap()).collect();
    disk.append(&lines, &[]).unwrap();
    drop(disk);
    let (mut disk, waiting) = open(&folder);
    assert_eq!(waiting, [messages[1].clone(), messages[2].clone(), messages[4].clone()]);
    assert_eq!(disk.settle(waiting.iter().map(Accepted::key)).len(), 3);
    disk.free().unwrap();
    assert!(segments(&folder).is_empty(), "nothing of it stays");
    for path in fs::read_dir(folder.path()).unwrap() {
        let mode = path.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "it is nobody else's");
    }
}

#[test]
fn a_conversation_without_a_row_is_kept_with_what_it_begins_with() {
    let now = message(1).at;
    let visitor = Visitor {
        id: Uuid::from_u128(3).into(),
        workspace: Uuid::from_u128(1).into(),
        verified: true,
        profile: Profile { external_id: Some("u1".to_owned()), ..Profile::default() },
    };
    let fresh = Conversation::fresh(Uuid::from_u128(2).into(), visitor.workspace, visitor.id, now);
    let fresh = Conversation {
        session: Some("mine".into()),
        metadata: Some(Box::new(serde_json::json!({"a": [1]}))),
        ..fresh.answered_by_ai()
    };
    let kept = Accepted { beginning: Some(Beginning::of(&fresh, &visitor)), ..message(1) };
    let folder = TempDir::new().unwrap();
    let (mut disk, _) = open(&folder);
    append(&mut disk, &[kept]);
    drop(disk);
    let beginning = open(&folder).1.remove(0).beginning.unwrap();
    let (conversation, found) = beginning.conversation(fresh.id);
    assert_eq!((conversation, &*found), (fresh, &visitor));
}

#[test]
fn a_torn_end_is_forgotten_and_damage_before_it_is_refused() {
    let folder = TempDir::new().unwrap();
    let (mut disk, _) = open(&folder);
    append(&mut disk, &[message(1)]);
    append(&mut disk, &[message(2)]);
    drop(disk);
    let path = segments(&folder).remove(0);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    let (mut disk, waiting) = open(&folder);
    assert_eq!(waiting, [message(1)], "what was never acknowledged");
    // What comes next says how much of the torn one counts, so it stays readable.
    append(&mut disk, &[message(3)]);
    drop(disk);
    let (disk, waiting) = open(&folder);
    assert_eq!(waiting, [message(1), message(3)]);
    drop(disk);
    let mut damaged = fs::read(&path).unwrap();
    let middle = damaged.len() / 3;
    damaged[middle] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let error = Disk::open(folder.path(), LIMIT).err().unwrap().to_string();
    assert!(error.contains("is damaged at byte") && error.contains("move it"), "{error}");
    fs::remove_file(&path).unwrap();
    assert_eq!(open(&folder).1, [message(3)], "the way out");
}

#[test]
fn a_segment_that_lost_its_end_is_damaged_where_the_next_counts_on_it() {
    let folder = TempDir::new().unwrap();
    let (mut disk, _) = open(&folder);
    append(&mut disk, &[message(1)]);
    append(&mut disk, &[message(2)]);
    drop(disk);
    append(&mut open(&folder).0, &[message(3)]);
    let path = segments(&folder).remove(0);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    assert!(matches!(Disk::open(folder.path(), LIMIT), Err(JournalError::Damaged { .. })));
}

#[test]
fn two_servers_do_not_share_one() {
    let folder = TempDir::new().unwrap();
    let _first = open(&folder);
    assert!(matches!(Disk::open(folder.path(), LIMIT), Err(JournalError::Taken(_))));
    assert_eq!(Journal::examine(folder.path()).unwrap(), 0, "but anybody may look");
}

#[tokio::test]
async fn beyond_its_bound_nothing_is_kept_and_what_is_settled_makes_room() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = Journal::open(folder.path(), 8 * 1024).unwrap();
    let mut kept = Vec::new();
    for number in 1.. {
        let message = message(number);
        let key = message.key();
        if !journal.append(vec![message]).await.unwrap() {
            break;
        }
        kept.push(key);
    }
    assert!(kept.len() > 5, "{} fit", kept.len());
    journal.settle(kept.iter().map(|key| Settled { key: *key, rejected: None }));
    journal.flush().await;
    assert!(journal.append(vec![message(1)]).await.unwrap());
    assert_eq!(Journal::examine(folder.path()).unwrap(), 1);
}

#[tokio::test]
async fn what_cannot_be_stored_is_left_for_a_person() {
    let folder = TempDir::new().unwrap();
    let (journal, _) = Journal::open(folder.path(), LIMIT).unwrap();
    assert!(journal.append(vec![message(1), message(2)]).await.unwrap());
    let rejected = Some((Box::new(message(1)), "it is too late"));
    journal.settle([Settled { key: message(1).key(), rejected }]);
    journal.flush().await;
    assert_eq!(Journal::examine(folder.path()).unwrap(), 1);
    let left = fs::read_to_string(folder.path().join("rejected.jsonl")).unwrap();
    let left: serde_json::Value = serde_json::from_str(left.trim()).unwrap();
    assert_eq!(
        (left["reason"].as_str(), left["draft"]["content"].as_str()),
        (Some("it is too late"), Some("number 1, and a \n line"))
    );
}
