//! Every end-to-end test: a real server, a real Postgres, real sockets, a real browser. One module a subject,
//! each with a list `TESTS`; a module that is not named here does not run, and the tidy test says so.

use std::process::ExitCode;

mod harness;

fn main() -> ExitCode {
    switchboard_tests::runner::main(&[harness::TESTS])
}
