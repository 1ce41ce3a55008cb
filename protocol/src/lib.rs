//! The wire types of Switchboard: what crosses the socket, and nothing else.
//!
//! Types only: no I/O, no clock, no minting of ids. A request travels through this crate in three
//! steps: [`Frame::parse`] splits a text frame into calls, [`Method::named`] says which method a
//! call wants, and [`params::read`] turns its parameters into the type of that method, or into an
//! error that names every bad field. Answers leave through [`response`], [`failure`] and
//! [`notification`].
//!
//! The JSON Schema ([`schema::document`]) and the TypeScript declarations
//! ([`typescript::declarations`]) are made from these same types, so neither can drift from them.

pub mod auth;
pub mod chat;
pub mod close;
pub mod envelope;
pub mod error;
pub mod ids;
pub mod limits;
pub mod methods;
pub mod notifications;
pub mod params;
pub mod schema;
pub mod secret;
pub mod staff;
pub mod time;
pub mod typescript;

pub use chat::{Message, Position, State};
pub use close::CloseCode;
pub use envelope::{Frame, Incoming, Invalid, Item, RequestId, failure, notification, response};
pub use error::{ErrorKind, Fault, FieldProblem, RpcError};
pub use ids::{
    AccountId, CannedId, ClientId, ConversationId, DocumentId, Epoch, EscalationId, InteractionId, MessageId,
    Seq, VisitorId, WorkspaceId,
};
pub use methods::Method;
pub use notifications::Notice;
pub use secret::Secret;
pub use time::Timestamp;

/// The name of the protocol: the WebSocket subprotocol, and the first line of the schema document.
pub const PROTOCOL: &str = "switchboard.v1";
