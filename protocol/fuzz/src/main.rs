//! Arbitrary bytes against the frame decoder: everything a stranger can make this crate do.
//!
//! Invariants: nothing panics; every refusal is a JSON-RPC answer that echoes the id; `readable_id` reads the id that
//! `Frame::parse` reads; parameters that were accepted are accepted again, unchanged, when a client sends them.
//!
//! Overflows and debug assertions are on (`Cargo.toml`), and a panic anywhere is a finding. Run it with `./run`.

#![no_main]

mod seeds;

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use switchboard_protocol::envelope::{self, Received, readable_id};
use switchboard_protocol::methods::{Call, ForCall};
use switchboard_protocol::{Frame, Incoming, Item, Method, RequestId, RpcError, failure, limits, params};

fuzz_target!(init: seeds::plant(), |bytes: &[u8]| {
    // What is not UTF-8 never reaches the decoder: the transport refuses it.
    if let Ok(text) = std::str::from_utf8(bytes) {
        frame(text);
    }
});

fn frame(text: &str) {
    let readable = readable_id(text);
    match Frame::parse(text) {
        Err(error) => {
            assert_eq!(readable, RequestId::Null, "the id of a frame that nothing can be read of");
            refused(&readable, &error);
        }
        Ok(Frame::One(item)) => {
            let id = examined(&item);
            assert!(id.is_none_or(|id| *id == readable), "one frame, two ids: {id:?} and {readable:?}");
        }
        Ok(Frame::Batch(items)) => {
            assert_eq!(readable, RequestId::Null, "a batch has no id");
            assert!((1..=limits::BATCH).contains(&items.len()), "a batch of {}", items.len());
            for item in &items {
                examined(item);
            }
        }
    }
}

/// Looks into an item and gives the id that its answer has, where it has one.
fn examined<'a>(item: &'a Item<'_>) -> Option<&'a RequestId> {
    match item {
        Item::Response => None,
        Item::Invalid(invalid) => {
            refused(&invalid.id, &invalid.error);
            Some(&invalid.id)
        }
        Item::Call(incoming) => {
            let id = incoming.id.as_ref().unwrap_or(&RequestId::Null);
            call(id, incoming);
            Some(id)
        }
    }
}

/// Reads the parameters as the method that was asked for.
fn call(id: &RequestId, incoming: &Incoming<'_>) {
    let Some(method) = Method::named(&incoming.method) else {
        return refused(id, &RpcError::method_not_found(&incoming.method));
    };
    method.for_call(Read { id, raw: incoming.params });
}

struct Read<'a> {
    id: &'a RequestId,
    raw: Option<&'a RawValue>,
}

impl ForCall for Read<'_> {
    type Output = ();

    fn with<T: Call>(self) {
        let accepted = match params::read::<T>(self.raw) {
            Err(error) => return refused(self.id, &error),
            Ok(accepted) => accepted,
        };
        let sent = envelope::request(self.id, T::METHOD.name(), &accepted);
        let Ok(Frame::One(Item::Call(again))) = Frame::parse(&sent) else {
            panic!("what a client sends is a call: {sent}");
        };
        assert_eq!(again.id.as_ref(), Some(self.id));
        assert_eq!(again.method, T::METHOD.name());
        assert_eq!(params::read::<T>(again.params).as_ref(), Ok(&accepted), "{sent}");
    }
}

/// A refusal leaves as an answer that a client can read.
fn refused(id: &RequestId, error: &RpcError) {
    let sent = failure(id, error);
    let Ok(Received::Answer { id: echoed, result: Err(told) }) = Received::parse(&sent) else {
        panic!("a refusal is an answer with an error: {sent}");
    };
    assert_eq!(&echoed, id, "{sent}");
    assert_eq!(&told, error, "{sent}");
}
