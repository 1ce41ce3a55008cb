//! JSON-RPC 2.0: one text frame in, its calls out; answers and notifications as text.
//!
//! Parsing is one pass that borrows everything from the frame: this runs for every message of every
//! socket. Invariant: a frame either fails whole, or gives one item for each thing in it, in order.

mod id;
mod incoming;
mod outgoing;

pub use id::RequestId;
pub use incoming::{Frame, Incoming, Invalid, Item, readable_id};
pub use outgoing::{Received, batch, failure, notification, request, response};
