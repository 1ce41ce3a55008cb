//! A batch: many requests in one frame, carried out in their order, answered in one frame.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use switchboard_protocol::{
    Frame, Incoming, Invalid, Item, Method, RequestId, RpcError, envelope, failure, response,
};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::connection::Done;
use super::requests::Errand;
use crate::rpc::wire;
use crate::session::Room;
use crate::session::room::Saying;

/// Sends that follow one another in a batch: handed over together, so that nothing comes between them in the log.
#[derive(Default)]
struct Sends {
    room: Option<Arc<Room>>,
    sayings: Vec<Saying>,
    answers: Vec<oneshot::Receiver<String>>,
}

/// What is told after the first commit of the batch waits until the batch is answered.
struct Hold {
    errand: Errand,
    held: Arc<AtomicBool>,
}

pub async fn run(mut errand: Errand, text: Utf8Bytes, passed: Vec<Result<(), RpcError>>) -> Done {
    // Parsed before already: the frame is kept and not its parts, which borrow from it.
    let Ok(Frame::Batch(items)) = Frame::parse(&text) else { return Done::Nothing };
    let hold = Hold { errand: errand.clone(), held: Arc::new(AtomicBool::new(false)) };
    let mut answers = Vec::with_capacity(items.len());
    let mut sends = Sends::default();
    let mut last = Done::Nothing;
    for (item, passed) in items.into_iter().zip(passed) {
        let call = match item {
            Item::Call(call) => call,
            Item::Invalid(Invalid { id, error }) => {
                answers.push(failure(&id, &error));
                continue;
            }
            Item::Response => continue,
        };
        if let Err(refusal) = passed {
            answers.extend(call.id.as_ref().map(|id| failure(id, &refusal)));
            continue;
        }
        if Method::named(&call.method) == Some(Method::MessageSend) {
            match errand.accept(&call).await {
                Ok((room, draft)) => {
                    if sends.room.as_ref().is_some_and(|open| open.id() != room.id()) {
                        sends.settle(&mut answers).await;
                    }
                    sends.add(room, draft, &call, &hold);
                }
                Err(refusal) => answers.extend(call.id.as_ref().map(|id| failure(id, &refusal))),
            }
            continue;
        }
        sends.settle(&mut answers).await;
        hold.begin();
        let (outcome, done) = errand.perform(&call).await;
        if let Some(id) = &call.id {
            answers.push(outcome.unwrap_or_else(|error| failure(id, &error)));
        }
        match &done {
            Done::Nothing => {}
            Done::Opened(standing) => {
                errand.standing = Some((**standing).clone());
                last = done;
            }
            Done::Refreshed(expires_at) => match &mut last {
                Done::Opened(standing) => standing.expires_at = Some(*expires_at),
                Done::Nothing | Done::Refreshed(_) => last = done,
            },
        }
    }
    sends.settle(&mut answers).await;
    if let Some(frame) = envelope::batch(&answers) {
        errand.outbound.answer(frame);
    }
    hold.end();
    last
}

impl Sends {
    fn add(
        &mut self,
        room: Arc<Room>,
        draft: crate::domain::message::Draft,
        call: &Incoming<'_>,
        hold: &Hold,
    ) {
        let reply = call.id.clone().map(|id| {
            let (told, answer) = oneshot::channel();
            self.answers.push(answer);
            hold.reply(id, told)
        });
        self.sayings.push(Saying { draft, from: Some(hold.errand.outbound.id), reply });
        self.room = Some(room);
    }

    /// Hands over what has gathered and waits for its answers.
    async fn settle(&mut self, answers: &mut Vec<String>) {
        if let Some(room) = self.room.take() {
            room.say(std::mem::take(&mut self.sayings)).await;
        }
        for answer in self.answers.drain(..) {
            answers.extend(answer.await.ok());
        }
    }
}

impl Hold {
    fn begin(&self) {
        if !self.held.swap(true, Ordering::Relaxed) {
            self.errand.outbound.hold();
        }
    }

    fn end(&self) {
        if self.held.swap(false, Ordering::Relaxed) {
            self.errand.outbound.release();
        }
    }

    fn reply(&self, id: RequestId, told: oneshot::Sender<String>) -> crate::session::Reply {
        let hold = Self { errand: self.errand.clone(), held: self.held.clone() };
        Box::new(move |outcome| {
            hold.begin();
            let text = match wire::sent(outcome, &hold.errand.desk.epoch) {
                Ok(sent) => response(&id, &sent),
                Err(error) => failure(&id, &error),
            };
            // A socket that has closed no longer waits.
            let _ = told.send(text);
        })
    }
}
