//! Switchboard: a self-hosted, realtime support desk.
//!
//! The modules import downwards only, in the order in which they stand here; ARCHITECTURE.md shows the flow.

pub mod cli;

pub mod app;

pub mod hot;

pub mod control;
pub mod telemetry;

pub mod config;

mod http;
mod socket;

mod rpc;

mod memory;
mod session;
mod sync;

mod brain;
mod escalation;
mod notify;
mod reports;
mod search;
mod workflow;

mod access;

pub mod store;

mod domain;
