//! Order, ownership and the end, with a backend that only remembers what it ran.

use std::sync::Mutex;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Knows of `begin`, of `ROLLBACK` and `commit`, and breaks on `break`.
struct Fake {
    ran: Arc<Mutex<Vec<String>>>,
    state: u8,
    /// A statement `wait` runs until this says so.
    gate: std::sync::mpsc::Receiver<()>,
}

struct Lab {
    mux: Mux,
    ran: Arc<Mutex<Vec<String>>>,
    gate: std::sync::mpsc::SyncSender<()>,
}

impl Engine for Fake {
    fn startup(&mut self) -> Result<Vec<u8>, String> {
        Ok(b"R\0\0\0\x08\0\0\0\0S\0\0\0\x08a\0b\0K\0\0\0\x0cnotours!Z\0\0\0\x05I".to_vec())
    }

    fn run(&mut self, unit: &[u8]) -> Result<Vec<u8>, String> {
        let sql = match unit {
            [b'Q', _, _, _, _, sql @ .., 0] => String::from_utf8_lossy(sql).into_owned(),
            other => format!("{} bytes", other.len()),
        };
        match sql.as_str() {
            "begin" => self.state = b'T',
            "commit" | "ROLLBACK" => self.state = b'I',
            "break" => return Err("it broke".to_owned()),
            "panic" => panic!("it panicked"),
            "wait" => self.gate.recv().map_err(|error| error.to_string())?,
            _ => {}
        }
        self.ran.lock().unwrap().push(sql);
        Ok(vec![b'Z', 0, 0, 0, 5, self.state])
    }

    fn close(self) -> Result<(), String> {
        self.ran.lock().unwrap().push("close".to_owned());
        Ok(())
    }
}

impl Lab {
    async fn start(patience: Duration) -> Self {
        let ran = Arc::new(Mutex::new(Vec::new()));
        let (gate, gated) = std::sync::mpsc::sync_channel(8);
        let fake = Fake { ran: ran.clone(), state: b'I', gate: gated };
        let mux = Mux::start(move || Ok(fake), patience, ()).await.unwrap();
        Self { mux, ran, gate }
    }

    async fn client(&self) -> ClientStream {
        let mut stream = self.mux.connect();
        stream.write_all(&frames::startup(&[("user", "x")])).await.unwrap();
        let mut greeting = [0; 9 + 9 + 13 + 6];
        stream.read_exact(&mut greeting).await.unwrap();
        assert_eq!((greeting[0], greeting[9], greeting[18], greeting[31]), (b'R', b'S', b'K', b'Z'));
        stream
    }

    fn ran(&self) -> Vec<String> {
        std::mem::take(&mut *self.ran.lock().unwrap())
    }
}

async fn say(stream: &mut ClientStream, statements: &[&str]) {
    let bytes: Vec<_> = statements.iter().map(|sql| frames::query(sql)).collect();
    stream.write_all(&bytes.concat()).await.unwrap();
}

/// The state after each of so many statements.
async fn hear(stream: &mut ClientStream, statements: usize) -> String {
    let mut answers = vec![0; 6 * statements];
    stream.read_exact(&mut answers).await.unwrap();
    answers.chunks(6).map(|answer| char::from(answer[5])).collect()
}

async fn rest(stream: &mut ClientStream) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    rest
}

const LONG: Duration = Duration::from_mins(10);

#[tokio::test]
async fn a_transaction_is_not_interrupted_and_the_others_go_in_turn() {
    let lab = Lab::start(LONG).await;
    let (mut one, mut two, mut three) = (lab.client().await, lab.client().await, lab.client().await);
    say(&mut one, &["begin", "a1"]).await;
    assert_eq!(hear(&mut one, 2).await, "TT");
    say(&mut two, &["b1", "b2"]).await;
    say(&mut three, &["c1", "c2"]).await;
    say(&mut one, &["a2", "commit"]).await;
    assert_eq!(hear(&mut one, 2).await, "TI");
    assert_eq!(hear(&mut two, 2).await, "II");
    assert_eq!(hear(&mut three, 2).await, "II");
    assert_eq!(lab.ran(), ["begin", "a1", "a2", "commit", "b1", "c1", "b2", "c2"]);
}

#[tokio::test]
async fn a_client_that_leaves_is_rolled_back_before_the_next() {
    let lab = Lab::start(LONG).await;
    let (mut one, mut two) = (lab.client().await, lab.client().await);
    say(&mut one, &["begin"]).await;
    assert_eq!(hear(&mut one, 1).await, "T");
    say(&mut two, &["b1"]).await;
    drop(one);
    assert_eq!(hear(&mut two, 1).await, "I");
    assert_eq!(lab.ran(), ["begin", "ROLLBACK", "b1"]);
}

#[tokio::test]
async fn a_client_that_leaves_after_flush_is_brought_to_its_end() {
    let lab = Lab::start(LONG).await;
    let (mut one, mut two) = (lab.client().await, lab.client().await);
    one.write_all(b"E\0\0\0\x09\0\0\0\0\0H\0\0\0\x04").await.unwrap();
    hear(&mut one, 1).await;
    say(&mut two, &["b1"]).await;
    drop(one);
    hear(&mut two, 1).await;
    assert_eq!(lab.ran(), ["15 bytes", "5 bytes", "b1"]);
}

#[tokio::test]
async fn a_forgotten_transaction_is_ended_when_others_wait_for_it() {
    let lab = Lab::start(Duration::from_millis(20)).await;
    let (mut one, mut two) = (lab.client().await, lab.client().await);
    say(&mut one, &["begin"]).await;
    hear(&mut one, 1).await;
    say(&mut two, &["b1"]).await;
    assert_eq!(hear(&mut two, 1).await, "I");
    assert_eq!(lab.ran(), ["begin", "ROLLBACK", "b1"]);
    // The rest of the transaction must not run without its beginning.
    say(&mut one, &["a1", "commit"]).await;
    let last_words = rest(&mut one).await;
    assert!(last_words.windows(5).any(|code| code == b"25P03"));
    say(&mut two, &["b2"]).await;
    hear(&mut two, 1).await;
    assert_eq!(lab.ran(), ["b2"]);
}

#[tokio::test]
async fn when_the_backend_breaks_every_client_ends_and_the_reason_is_known() {
    for fault in ["break", "panic"] {
        let lab = Lab::start(LONG).await;
        let (mut one, mut two, mut idle) = (lab.client().await, lab.client().await, lab.client().await);
        say(&mut one, &["wait", fault]).await;
        say(&mut two, &["b1"]).await;
        lab.gate.send(()).unwrap();
        for stream in [&mut one, &mut two, &mut idle] {
            rest(stream).await;
        }
        assert!(lab.mux.ended().await.is_err());
        let mut late = lab.mux.connect();
        late.write_all(&frames::startup(&[])).await.unwrap();
        assert!(rest(&mut late).await.windows(5).any(|code| code == b"57P03"));
        assert!(!lab.ran().contains(&"close".to_owned()), "a broken backend is not asked to close");
    }
}

#[tokio::test]
async fn closing_ends_the_unit_that_runs_rolls_back_and_closes() {
    let lab = Lab::start(LONG).await;
    let (mut one, mut two) = (lab.client().await, lab.client().await);
    say(&mut one, &["begin", "wait", "a1"]).await;
    say(&mut two, &["b1"]).await;
    while lab.ran.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    lab.mux.close();
    lab.gate.send(()).unwrap();
    lab.mux.ended().await.unwrap();
    rest(&mut one).await;
    rest(&mut two).await;
    assert_eq!(lab.ran().last_chunk().unwrap(), &["ROLLBACK".to_owned(), "close".to_owned()]);
}

#[tokio::test]
async fn a_writer_waits_when_it_is_far_ahead() {
    let lab = Lab::start(LONG).await;
    let mut one = lab.client().await;
    let big = frames::query(&"x".repeat(100_000));
    say(&mut one, &["wait"]).await;
    let mut sent = 0;
    while one.write(&big).now_or_never().is_some() {
        sent += 1;
        assert!(sent < 10, "nothing stops it");
    }
    assert!(sent >= 2, "it may be a little ahead");
    lab.gate.send(()).unwrap();
    assert_eq!(hear(&mut one, 1 + sent).await, "I".repeat(1 + sent));
}

#[tokio::test]
async fn encryption_is_declined_cancel_ends_and_nonsense_is_refused() {
    let lab = Lab::start(LONG).await;
    let mut stream = lab.mux.connect();
    stream.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'N');
    stream.write_all(&frames::startup(&[])).await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'R');

    let mut cancel = lab.mux.connect();
    cancel.write_all(&[0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 0, 0, 0, 0, 0]).await.unwrap();
    assert!(rest(&mut cancel).await.is_empty());

    let mut odd = lab.client().await;
    odd.write_all(b"Q\xff\xff\xff\xff").await.unwrap();
    assert!(rest(&mut odd).await.windows(5).any(|code| code == b"08P01"));
    assert!(lab.ran().is_empty());
}
