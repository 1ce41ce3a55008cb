//! Every end-to-end test: a real server, a real Postgres, real sockets, a real browser. One module a subject,
//! each with a list `TESTS`; a module that is not named here does not run, and the tidy test says so.

use std::process::ExitCode;

mod agent;
mod archive;
mod auth;
mod browser;
mod chroma;
mod commands;
mod company;
mod configuration;
mod crash_matrix;
mod crowd;
mod deployment;
mod distilling;
mod draining;
mod embedded;
mod escalations;
mod failures;
mod feed;
mod frames;
mod harness;
mod http;
mod identity;
mod insights;
mod isolation;
mod journal;
mod kill;
mod knowledge;
mod learning;
mod lease;
mod lifecycle;
mod limits;
mod members;
mod memory;
mod messages;
mod notes;
mod numbers;
mod opening;
mod operations;
mod outage;
mod pages;
mod person;
mod positions;
mod postgres;
mod remote;
mod reports;
mod restored;
mod resuming;
mod retention;
mod returning;
mod rights;
mod slow_reader;
mod staff;
mod storm;
mod sync;
mod takeover;
mod tokens;
mod tries;
mod waking;
mod webhooks;
mod wire_faults;
mod writer;

fn main() -> ExitCode {
    switchboard_tests::runner::main(&[
        harness::TESTS,
        frames::TESTS,
        agent::TESTS,
        archive::TESTS,
        auth::TESTS,
        browser::TESTS,
        chroma::TESTS,
        commands::TESTS,
        company::TESTS,
        configuration::TESTS,
        http::TESTS,
        distilling::TESTS,
        escalations::TESTS,
        failures::TESTS,
        feed::TESTS,
        identity::TESTS,
        insights::TESTS,
        insights::LOOKING,
        insights::IMPORTING,
        insights::LAWS,
        isolation::TESTS,
        journal::TESTS,
        knowledge::TESTS,
        learning::TESTS,
        lifecycle::TESTS,
        limits::TESTS,
        members::TESTS,
        memory::TESTS,
        messages::TESTS,
        notes::TESTS,
        opening::TESTS,
        operations::TESTS,
        pages::TESTS,
        person::TESTS,
        positions::TESTS,
        reports::TESTS,
        resuming::TESTS,
        rights::TESTS,
        staff::TESTS,
        sync::TESTS,
        sync::SINKS,
        takeover::TESTS,
        retention::TESTS,
        tokens::TESTS,
        tries::TESTS,
        webhooks::TESTS,
        wire_faults::TESTS,
        crowd::TESTS,
        deployment::TESTS,
        deployment::runs::TESTS,
        crash_matrix::TESTS,
        draining::TESTS,
        embedded::TESTS,
        kill::TESTS,
        lease::TESTS,
        numbers::TESTS,
        outage::TESTS,
        postgres::TESTS,
        remote::TESTS,
        restored::TESTS,
        returning::TESTS,
        slow_reader::TESTS,
        storm::TESTS,
        waking::TESTS,
        writer::TESTS,
    ])
}
