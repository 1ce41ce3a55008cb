//! Every end-to-end test: a real server, a real Postgres, real sockets, a real browser. One module a subject,
//! each with a list `TESTS`; a module that is not named here does not run, and the tidy test says so.

use std::process::ExitCode;

mod archive;
mod commands;
mod company;
mod configuration;
mod frames;
mod harness;
mod http;
mod identity;
mod isolation;
mod lifecycle;
mod limits;
mod messages;
mod opening;
mod operations;
mod pages;
mod positions;
mod resuming;
mod tokens;
mod wire_faults;

fn main() -> ExitCode {
    switchboard_tests::runner::main(&[
        harness::TESTS,
        frames::TESTS,
        archive::TESTS,
        commands::TESTS,
        company::TESTS,
        configuration::TESTS,
        http::TESTS,
        identity::TESTS,
        isolation::TESTS,
        lifecycle::TESTS,
        limits::TESTS,
        messages::TESTS,
        opening::TESTS,
        operations::TESTS,
        pages::TESTS,
        positions::TESTS,
        resuming::TESTS,
        tokens::TESTS,
        wire_faults::TESTS,
    ])
}
