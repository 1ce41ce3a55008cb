//! What the end-to-end tests are written with: a world of one's own for each test, clients that check what
//! they see, a browser, a proxy that misbehaves on request, and the tidy test that guards the layout of the
//! whole repository.
//!
//! Invariant: nothing here knows the inside of the server. A test sees what a user, an operator or a database
//! administrator can see. And nothing waits for time to pass: it waits for a frame, a commit or an exit.
//!
//! ```text
//! cargo test --test e2e                   every test, on the embedded database
//! cargo test --test e2e -- resume         those whose name contains it
//! SWITCHBOARD_TEST_DATABASE=local …       the same tests on native Postgres (tests/run does both)
//! SWITCHBOARD_BIN=path/to/switchboard …   with this program rather than one built for the occasion
//! ```

pub mod browser;
pub mod console;
pub mod database;
pub mod fake_airtable;
pub mod fake_openai;
pub mod hook;
pub mod log;
pub mod machine;
pub mod patience;
pub mod process;
pub mod proxy;
mod request;
pub mod runner;
pub mod socket;
pub mod template;
#[cfg(test)]
mod tidy;
pub mod transcript;
pub mod visitor;
pub mod world;

/// What a test module starts with: `use switchboard_tests::prelude::*;`.
pub mod prelude {
    pub use crate::browser::Browser;
    pub use crate::console::Console;
    pub use crate::hook::Hook;
    pub use crate::machine::{Lane, Need};
    pub use crate::patience::{PATIENCE, eventually, within};
    pub use crate::proxy::Proxy;
    pub use crate::runner::Test;
    pub use crate::socket::{RpcError, Socket, Upgrade};
    pub use crate::tests;
    pub use crate::visitor::Visitor;
    pub use crate::world::World;
    pub use anyhow::{Context as _, Result, bail, ensure};
    pub use serde_json::{Value, json};
    pub use uuid::Uuid;
}
