//! What a socket asks: parsed, held against its limits, handed on.

use std::sync::{Arc, LazyLock};

use metrics::Counter;
use switchboard_protocol::limits::{MEMBER_FRAME, VISITOR_FRAME};
use switchboard_protocol::methods::{MessageSend, SessionOpen};
use switchboard_protocol::{
    CloseCode, Frame, Incoming, Invalid, Item, Method, RequestId, RpcError, failure, params, response,
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::batch;
use super::connection::{Connection, Done};
use super::outbound::Outbound;
use crate::access::limits::{Bucket, VISITOR_REQUESTS};
use crate::rpc::{Desk, Line, Peer, Standing, may, wire};
use crate::session::Reply;
use crate::session::room::{Member, Saying};

/// How often this socket may ask.
pub struct Guard {
    bucket: Option<Bucket>,
    refused_in_a_row: u32,
}

/// Looked up once: this is the hot path.
static SENDS: LazyLock<Counter> =
    LazyLock::new(|| metrics::counter!("switchboard_requests_total", "method" => "message.send"));

/// A client that goes on after so many refusals is not a hasty visitor.
const FLOOD: u32 = 300;

impl Guard {
    pub fn new(limits: bool) -> Self {
        let bucket = limits.then(|| Bucket::full(VISITOR_REQUESTS, std::time::Instant::now()));
        Self { bucket, refused_in_a_row: 0 }
    }

    fn pass(&mut self) -> Result<(), RpcError> {
        let Some(bucket) = &mut self.bucket else { return Ok(()) };
        match bucket.take(VISITOR_REQUESTS, std::time::Instant::now()) {
            Ok(()) => {
                self.refused_in_a_row = 0;
                Ok(())
            }
            Err(wait) => {
                self.refused_in_a_row += 1;
                Err(RpcError::rate_limited(wire::millis(wait)))
            }
        }
    }

    fn is_flooded(&self) -> bool {
        self.refused_in_a_row > FLOOD
    }
}

/// All that a request needs of its socket, for as long as it takes.
#[derive(Clone)]
pub struct Errand {
    pub desk: Arc<Desk>,
    pub outbound: Arc<Outbound>,
    pub peer: Arc<Peer>,
    pub standing: Option<Standing>,
}

impl Connection {
    /// Takes one text frame; a close code when it was one too many.
    pub(super) fn request(&mut self, text: &Utf8Bytes) -> Option<CloseCode> {
        let is_visitor = self.standing.as_ref().is_none_or(|standing| standing.caller.is_visitor());
        let limit = if is_visitor { VISITOR_FRAME } else { MEMBER_FRAME };
        if text.len() > limit {
            let id = switchboard_protocol::envelope::readable_id(text);
            self.outbound.answer(failure(&id, &RpcError::too_large(limit)));
            return None;
        }
        match Frame::parse(text) {
            Err(error) => self.outbound.answer(failure(&RequestId::Null, &error)),
            Ok(Frame::One(Item::Response)) => {}
            Ok(Frame::One(Item::Invalid(Invalid { id, error }))) => {
                self.outbound.answer(failure(&id, &error));
            }
            Ok(Frame::One(Item::Call(call))) => {
                let passed = if is_visitor { self.guard.pass() } else { Ok(()) };
                match passed {
                    Err(refusal) => answer(&self.outbound, call.id.as_ref(), Err(refusal)),
                    Ok(()) if Method::named(&call.method) == Some(Method::MessageSend) => {
                        self.send(text, &call);
                    }
                    Ok(()) => self.work = Some(Box::pin(single(self.errand(), text.clone()))),
                }
            }
            Ok(Frame::Batch(items)) => {
                // Each request of a batch is one request.
                let passed: Vec<_> =
                    items.iter().map(|_| if is_visitor { self.guard.pass() } else { Ok(()) }).collect();
                self.work = Some(Box::pin(batch::run(self.errand(), text.clone(), passed)));
            }
        }
        self.guard.is_flooded().then_some(CloseCode::Flooding)
    }

    /// The hot path: a message for the open conversation is handed over here and now.
    fn send(&mut self, text: &Utf8Bytes, call: &Incoming<'_>) {
        let here = match (&self.standing, params::read::<MessageSend>(call.params)) {
            (Some(standing), Ok(params)) if is_here(standing, &params) => Some((standing, params)),
            _ => None,
        };
        let Some((standing, params)) = here else {
            self.work = Some(Box::pin(single(self.errand(), text.clone())));
            return;
        };
        SENDS.increment(1);
        let prepared =
            may(standing, Method::MessageSend).and_then(|standing| Desk::prepare(&standing, params));
        let (room, draft) = match prepared {
            Ok(prepared) => prepared,
            Err(refusal) => return answer(&self.outbound, call.id.as_ref(), Err(refusal)),
        };
        let reply = call.id.clone().map(|id| send_reply(&self.outbound, &self.desk, id));
        if reply.is_some() {
            self.outbound.expect_send();
        }
        let saying = Saying { draft, from: Some(self.outbound.id), reply };
        if let Err(saying) = room.try_say(saying) {
            self.work = Some(Box::pin(async move {
                room.say(vec![saying]).await;
                Done::Nothing
            }));
        }
    }

    fn errand(&self) -> Errand {
        Errand {
            desk: self.desk.clone(),
            outbound: self.outbound.clone(),
            peer: self.peer.clone(),
            standing: self.standing.clone(),
        }
    }
}

fn is_here(standing: &Standing, params: &MessageSend) -> bool {
    standing.room.as_ref().is_some_and(|room| room.id() == params.conversation_id)
}

/// Told at the commit, in the order of the log.
fn send_reply(outbound: &Arc<Outbound>, desk: &Arc<Desk>, id: RequestId) -> Reply {
    let (outbound, desk) = (outbound.clone(), desk.clone());
    Box::new(move |outcome| {
        let text = match wire::sent(outcome, &desk.epoch) {
            Ok(sent) => response(&id, &sent),
            Err(error) => failure(&id, &error),
        };
        outbound.answer_send(Some(text));
    })
}

/// One request that takes its time.
async fn single(errand: Errand, text: Utf8Bytes) -> Done {
    // Parsed before already: the frame is kept and not its parts, which borrow from it.
    let Ok(Frame::One(Item::Call(call))) = Frame::parse(&text) else { return Done::Nothing };
    if Method::named(&call.method) == Some(Method::MessageSend) {
        return elsewhere(&errand, &call).await;
    }
    // What is told of a conversation that is being opened waits for the answer to the open.
    errand.outbound.hold();
    let (outcome, done) = errand.perform(&call).await;
    answer(&errand.outbound, call.id.as_ref(), outcome);
    errand.outbound.release();
    done
}

/// A send that is not for the open conversation, or not yet allowed: its place in the log is told like any other's.
async fn elsewhere(errand: &Errand, call: &Incoming<'_>) -> Done {
    match errand.accept(call).await {
        Ok((room, draft)) => {
            let reply = call.id.clone().map(|id| {
                errand.outbound.expect_send();
                send_reply(&errand.outbound, &errand.desk, id)
            });
            room.say(vec![Saying { draft, from: Some(errand.outbound.id), reply }]).await;
        }
        Err(refusal) => answer(&errand.outbound, call.id.as_ref(), Err(refusal)),
    }
    Done::Nothing
}

impl Errand {
    /// Carries out anything but a send. The answer is the whole response.
    pub async fn perform(&self, call: &Incoming<'_>) -> (Result<String, RpcError>, Done) {
        let id = call.id.clone().unwrap_or(RequestId::Null);
        let Some(method) = Method::named(&call.method) else {
            return (Err(RpcError::method_not_found(&call.method)), Done::Nothing);
        };
        metrics::counter!("switchboard_requests_total", "method" => method.name()).increment(1);
        match (method, &self.standing) {
            (Method::SessionOpen, _) => match self.open(call).await {
                Ok((standing, opened)) => (Ok(response(&id, &opened)), Done::Opened(Box::new(standing))),
                Err(refusal) => (Err(refusal), Done::Nothing),
            },
            (_, None) => (Err(nobody()), Done::Nothing),
            (Method::SessionRefresh, Some(standing)) => match self.desk.refresh(standing, call.params) {
                Ok((refreshed, expires_at)) => (Ok(response(&id, &refreshed)), Done::Refreshed(expires_at)),
                Err(refusal) => (Err(refusal), Done::Nothing),
            },
            (method, Some(standing)) => {
                let line: Option<Arc<dyn Line>> = Some(self.outbound.clone());
                (self.desk.call(standing, line, method, &id, call.params).await, Done::Nothing)
            }
        }
    }

    async fn open(
        &self,
        call: &Incoming<'_>,
    ) -> Result<(Standing, switchboard_protocol::methods::SessionOpened), RpcError> {
        let params: SessionOpen = params::read(call.params)?;
        let member = Member { connection: self.outbound.id, listener: self.outbound.clone() };
        let opened = self.desk.open(params, &self.peer, Some(member)).await?;
        // Somebody else on the same socket hears nothing that was for the one before.
        let same = |before: &Standing| before.caller == opened.0.caller;
        if self.standing.as_ref().is_some_and(|before| !same(before)) {
            self.desk.gone(self.outbound.id, opened.0.room.as_ref().map(|room| room.id()));
        }
        Ok(opened)
    }

    /// A send, up to the point where it is handed to its session.
    pub async fn accept(
        &self,
        call: &Incoming<'_>,
    ) -> Result<(Arc<crate::session::Room>, crate::domain::message::Draft), RpcError> {
        let standing = may(self.standing.as_ref().ok_or_else(nobody)?, Method::MessageSend)?;
        self.desk.accept(&standing, params::read(call.params)?).await
    }
}

fn nobody() -> RpcError {
    RpcError::unauthenticated("Nothing is open on this socket yet: call session.open first.")
}

/// A notification is never answered, not even with an error.
pub fn answer(outbound: &Outbound, id: Option<&RequestId>, outcome: Result<String, RpcError>) {
    let Some(id) = id else { return };
    outbound.answer(outcome.unwrap_or_else(|error| {
        metrics::counter!("switchboard_request_errors_total", "kind" => error.kind().name()).increment(1);
        failure(id, &error)
    }));
}
