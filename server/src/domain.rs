//! The nouns of a support desk and the rules that need neither a runtime nor a database.

pub mod account;
pub mod broadcast;
pub mod clock;
pub mod conversation;
pub mod deed;
pub mod escalation;
pub mod experience;
pub mod failpoint;
pub mod failure;
pub mod insight;
pub mod knowledge;
pub mod masking;
pub mod memory;
pub mod message;
pub mod mint;
pub mod note;
pub mod outbox;
pub mod preset;
pub mod report;
pub mod staff;
pub mod turn;
pub mod vector;
pub mod visitor;
pub mod workflow;
