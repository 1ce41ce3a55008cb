//! Conversations opened on a server that has just started: it must ask the database for each of them.
//!
//! One visitor owns them all. The lengths take turns in every order, so that whatever the machine does meanwhile falls
//! on each of them alike, and every answer is checked.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::fill::{Filled, Shape};
use crate::client::wire::{Frame, List, Listed, Open, Opened, Position, Row};
use crate::client::{CallError, Socket};
use crate::database::Database;
use crate::lab::Served;
use crate::measure::{Busy, Target, Watches};
use crate::scenario::latency::{Latency, Percentiles};
use crate::view::{Author, Fault, Faults};
use crate::visitor::{Entrance, Visitor, text};

/// Who has missed some messages has missed so many; who leafs, leafs by so many.
const SOME: u32 = 10;

/// The orders in which three lengths can take turns.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2]];

/// The visitor who owns the conversations that are opened.
pub struct Host {
    pub visitor: Uuid,
    pub workspace: Uuid,
    conversation: Uuid,
    resume: String,
}

/// What a client may ask for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// `session.open` without a position: the last page.
    Fresh,
    /// `session.open` with the position of the last message.
    AtHead,
    /// `session.open` with a position that is some messages behind.
    Behind,
    /// `message.list`: the last messages of a conversation that is not the open one.
    List,
}

pub const REQUESTS: [Request; 4] = [Request::Fresh, Request::AtHead, Request::Behind, Request::List];

/// What came of all of them so far.
#[derive(Serialize)]
pub struct Openings {
    pub faults: Faults,
    pub busy: Vec<Busy>,
    #[serde(serialize_with = "as_figures")]
    pub cells: Vec<Cell>,
}

/// One request for conversations of one length.
pub struct Cell {
    pub request: Request,
    pub shape: Shape,
    /// In the latest answer.
    pub messages: usize,
    latency: Latency,
}

/// The open visit of one start of the server.
struct Visit<'a> {
    entrance: &'a Entrance,
    desk: Socket,
    token: String,
    epoch: String,
    /// They stay, so that nobody's leaving falls into somebody else's opening.
    sockets: Vec<Socket>,
}

/// What was answered, of either method.
struct Answer {
    recovered: bool,
    head: Option<u64>,
    messages: Vec<Row>,
    has_more: bool,
}

impl Request {
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "open",
            Self::AtHead => "open at the head",
            Self::Behind => "open 10 behind",
            Self::List => "list the last 10",
        }
    }
}

impl Host {
    /// Says one message, so that there is a row of the visitor.
    pub async fn open(entrance: &Entrance, database: &Database) -> anyhow::Result<Self> {
        let mut visitor = Visitor::open(entrance, 0, Author::new(0, 0)).await?;
        visitor.say(&text(100)).await?;
        let conversation = visitor.credentials.conversation_id;
        let mut socket = Socket::connect(&entrance.address, 0, entrance.patience).await?;
        let open = Open { token: Some(&visitor.credentials.token), ..Open::default() };
        let opened: Opened = socket.call("session.open", &open).await?;
        let row = database
            .client()
            .query_one("select user_id, workspace_id from conversations where id = $1", &[&conversation])
            .await?;
        let resume = opened.resume.context("the server gave no resume secret")?;
        Ok(Self { visitor: row.get(0), workspace: row.get(1), conversation, resume })
    }
}

impl Openings {
    pub fn new(filled: &Filled) -> Self {
        let shapes = || filled.groups.iter().map(|group| group.shape);
        let cells = REQUESTS.iter().flat_map(|&request| {
            shapes().map(move |shape| Cell { request, shape, messages: 0, latency: Latency::new() })
        });
        Self { faults: Faults::default(), busy: Vec::new(), cells: cells.collect() }
    }

    /// Opens each conversation once on a server that has just started for the `nth` time. Each gets another request
    /// the next time.
    pub async fn measure(
        &mut self,
        started: &Served,
        database: &Database,
        host: &Host,
        filled: &Filled,
        nth: usize,
    ) -> anyhow::Result<()> {
        let mut visit = Visit::begin(&started.entrance, host).await?;
        for (place, conversation) in filled.warm_up.iter().enumerate() {
            visit.ask(REQUESTS[place % REQUESTS.len()], *conversation, SOME).await?;
        }
        let server = Some(Target::Process(started.pid()));
        let watches = Watches::start(server, database.pid.map(Target::Family));
        let each = filled.groups.first().map_or(0, |group| group.conversations.len());
        for place in 0..each {
            let request = REQUESTS[(place + nth) % REQUESTS.len()];
            for shape in ORDERS[(place + nth / REQUESTS.len()) % ORDERS.len()] {
                let group = &filled.groups[shape];
                let length = group.shape.length;
                let (took, answer) = visit.ask(request, group.conversations[place], length).await?;
                if let Some(problem) = answer.problem(request, length) {
                    let example = format!("{}, {}: {problem}", request.name(), group.shape.name);
                    self.faults.add(Fault::Missed, example);
                }
                self.record(request, group.shape, took, answer.messages.len());
            }
        }
        self.busy.push(watches.stop());
        Ok(())
    }

    pub fn of(&self, request: Request) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(move |cell| cell.request == request)
    }

    fn record(&mut self, request: Request, shape: Shape, took: Duration, messages: usize) {
        let mut cells = self.cells.iter_mut();
        if let Some(cell) = cells.find(|cell| cell.request == request && cell.shape == shape) {
            cell.latency.record(took);
            cell.messages = messages;
        }
    }
}

impl Cell {
    pub fn percentiles(&self) -> Percentiles {
        self.latency.percentiles()
    }
}

impl<'a> Visit<'a> {
    async fn begin(entrance: &'a Entrance, host: &Host) -> Result<Self, CallError> {
        let mut desk = Socket::connect(&entrance.address, 0, entrance.patience).await?;
        let open =
            Open { resume: Some(&host.resume), conversation_id: Some(host.conversation), ..Open::default() };
        let opened: Opened = desk.call("session.open", &open).await?;
        let (token, epoch) = (opened.token, opened.position.epoch);
        Ok(Self { entrance, desk, token, epoch, sockets: Vec::new() })
    }

    /// One request and how long its answer took, read but not yet parsed.
    async fn ask(
        &mut self,
        request: Request,
        conversation_id: Uuid,
        length: u32,
    ) -> Result<(Duration, Answer), CallError> {
        if request == Request::List {
            let list = List { conversation_id, after_seq: None, limit: SOME };
            let (took, listed) = timed::<Listed>(&mut self.desk, "message.list", &list).await?;
            return Ok((took, listed.into()));
        }
        let mut socket = Socket::connect(&self.entrance.address, 0, self.entrance.patience).await?;
        let seq = match request {
            Request::Fresh | Request::List => None,
            Request::AtHead => Some(length),
            Request::Behind => Some(length.saturating_sub(SOME)),
        };
        let position = seq.map(|seq| Position { epoch: self.epoch.clone(), seq: seq.into() });
        let open = Open {
            token: Some(&self.token),
            conversation_id: Some(conversation_id),
            position: position.as_ref(),
            ..Open::default()
        };
        let (took, opened) = timed::<Opened>(&mut socket, "session.open", &open).await?;
        self.sockets.push(socket);
        Ok((took, opened.into()))
    }
}

async fn timed<T: DeserializeOwned>(
    socket: &mut Socket,
    method: &str,
    params: &impl Serialize,
) -> Result<(Duration, T), CallError> {
    let start = Instant::now();
    socket.request(method, params).await?;
    let text = socket.receive_in_time().await?;
    let took = start.elapsed();
    Ok((took, Frame::parse(&text)?.into_result()?))
}

impl Answer {
    /// What is wrong with it, of a conversation of this length.
    fn problem(&self, request: Request, length: u32) -> Option<String> {
        let length = u64::from(length);
        let (count, expected) = (self.messages.len() as u64, length.min(SOME.into()));
        let count_is_right = match request {
            Request::Fresh => (expected..=length).contains(&count),
            Request::AtHead => count == 0,
            Request::Behind | Request::List => count == expected,
        };
        let last_ones = (length + 1).saturating_sub(count)..=length;
        let recovers = matches!(request, Request::AtHead | Request::Behind);
        if !count_is_right {
            Some(format!("{count} messages of {length}"))
        } else if !last_ones.eq(self.messages.iter().map(|row| row.seq)) {
            Some("they are not the last ones in their order".to_owned())
        } else if self.head.is_some_and(|head| head != length) {
            Some(format!("its head is {:?}, not {length}", self.head))
        } else if self.recovered != recovers {
            Some(format!("recovered: {}", self.recovered))
        } else if !recovers && self.has_more != (count < length) {
            Some(format!("has_more: {} with {count} of {length}", self.has_more))
        } else {
            None
        }
    }
}

impl From<Opened> for Answer {
    fn from(opened: Opened) -> Self {
        let Opened { position, recovered, messages, has_more, .. } = opened;
        Self { recovered, head: Some(position.seq), messages, has_more }
    }
}

impl From<Listed> for Answer {
    fn from(Listed { messages, has_more }: Listed) -> Self {
        Self { recovered: false, head: None, messages, has_more }
    }
}

fn as_figures<S: serde::Serializer>(cells: &[Cell], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Figures {
        request: Request,
        shape: Shape,
        messages: usize,
        #[serde(flatten)]
        latency: Percentiles,
    }
    serializer.collect_seq(cells.iter().map(|cell| Figures {
        request: cell.request,
        shape: cell.shape,
        messages: cell.messages,
        latency: cell.percentiles(),
    }))
}

#[cfg(test)]
mod tests {
    use super::{Answer, ORDERS, Request};
    use crate::client::wire::Row;

    fn answer(seqs: std::ops::RangeInclusive<u64>, recovered: bool, has_more: bool) -> Answer {
        let messages = seqs.map(|seq| Row { seq, client_id: None, content: String::new() }).collect();
        Answer { recovered, head: Some(100), messages, has_more }
    }

    fn good(request: Request, answer: &Answer) -> bool {
        answer.problem(request, 100).is_none()
    }

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "who is at the head gets no message")]
    fn right_answers_pass() {
        assert!(good(Request::Fresh, &answer(51..=100, false, true)));
        assert!(good(Request::Fresh, &answer(1..=100, false, false)));
        assert!(good(Request::AtHead, &answer(101..=100, true, false)));
        assert!(good(Request::Behind, &answer(91..=100, true, false)));
        assert!(good(Request::List, &answer(91..=100, false, true)));
    }

    #[test]
    fn wrong_answers_are_found_out() {
        for (request, wrong) in [
            (Request::Fresh, answer(50..=99, false, true)),
            (Request::Fresh, answer(96..=100, false, true)),
            (Request::Fresh, answer(51..=100, false, false)),
            (Request::Fresh, answer(51..=100, true, true)),
            (Request::AtHead, answer(100..=100, true, false)),
            (Request::Behind, answer(92..=100, true, false)),
            (Request::Behind, answer(91..=100, false, false)),
            (Request::List, answer(1..=10, false, true)),
        ] {
            assert!(!good(request, &wrong), "{request:?}");
        }
        let mut short = answer(51..=100, false, true);
        short.head = Some(101);
        assert!(!good(Request::Fresh, &short));
    }

    #[test]
    fn each_length_is_at_each_turn_as_often() {
        for turn in 0..3 {
            for length in 0..3 {
                assert_eq!(ORDERS.iter().filter(|order| order[turn] == length).count(), 2);
            }
        }
    }
}
