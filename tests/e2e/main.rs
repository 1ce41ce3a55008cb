//! Every end-to-end test: a real server, a real Postgres, real sockets, a real browser. One module a subject,
//! each with a list `TESTS`; a module that is not named here does not run, and the tidy test says so.

use std::process::ExitCode;

mod agent;
mod archive;
mod browser;
mod commands;
mod company;
mod configuration;
mod crash_matrix;
mod crowd;
mod draining;
mod embedded;
mod frames;
mod harness;
mod http;
mod identity;
mod isolation;
mod journal;
mod kill;
mod knowledge;
mod lease;
mod lifecycle;
mod limits;
mod messages;
mod numbers;
mod opening;
mod operations;
mod outage;
mod pages;
mod positions;
mod postgres;
mod restored;
mod resuming;
mod retention;
mod returning;
mod slow_reader;
mod storm;
mod tokens;
mod waking;
mod wire_faults;
mod writer;

fn main() -> ExitCode {
    switchboard_tests::runner::main(&[
        harness::TESTS,
        frames::TESTS,
        agent::TESTS,
        archive::TESTS,
        browser::TESTS,
        commands::TESTS,
        company::TESTS,
        configuration::TESTS,
        http::TESTS,
        identity::TESTS,
        isolation::TESTS,
        journal::TESTS,
        knowledge::TESTS,
        lifecycle::TESTS,
        limits::TESTS,
        messages::TESTS,
        opening::TESTS,
        operations::TESTS,
        pages::TESTS,
        positions::TESTS,
        resuming::TESTS,
        retention::TESTS,
        tokens::TESTS,
        wire_faults::TESTS,
        crowd::TESTS,
        crash_matrix::TESTS,
        draining::TESTS,
        embedded::TESTS,
        kill::TESTS,
        lease::TESTS,
        numbers::TESTS,
        outage::TESTS,
        postgres::TESTS,
        restored::TESTS,
        returning::TESTS,
        slow_reader::TESTS,
        storm::TESTS,
        waking::TESTS,
        writer::TESTS,
    ])
}
