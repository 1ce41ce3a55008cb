//! Runs the end-to-end tests: each in a world of its own, some at a time, and at the end names what could not
//! be run.
//!
//! Invariant: a test passes only if it returned `Ok`, its server stopped when told to, and the server's log
//! holds no warning that the test did not allow. There are no retries.

use std::future::Future;
use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use futures_util::FutureExt as _;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::machine::{self, Lane, Missing, Need};
use crate::process;
use crate::template::Template;
use crate::world::World;

/// One row of a module's list of tests, written by [`tests!`](crate::tests).
#[derive(Clone, Copy, Debug)]
pub struct Test {
    pub name: &'static str,
    pub module: &'static str,
    pub needs: &'static [Need],
    pub run: Run,
}

/// The test itself, its future boxed so that a list can hold it.
pub type Run = fn(World) -> Pin<Box<dyn Future<Output = Result<()>>>>;

/// A module's tests: `pub(crate) const TESTS: &[Test] = tests![one, another, drawn needs Browser];`.
#[macro_export]
macro_rules! tests {
    ($($name:ident $(needs $($need:ident)+)?),* $(,)?) => {
        &[$($crate::runner::Test {
            name: stringify!($name),
            module: module_path!(),
            needs: &[$($($crate::machine::Need::$need),+)?],
            run: |world| Box::pin($name(world)),
        }),*]
    };
}

/// A test that takes longer hangs. No single wait in it comes near. A long run says otherwise by `SWITCHBOARD_TEST_LIMIT`, in
/// seconds.
fn limit() -> Duration {
    let said = machine::setting("SWITCHBOARD_TEST_LIMIT").and_then(|text| text.parse().ok());
    said.map_or(Duration::from_mins(5), Duration::from_secs)
}

/// A server on the embedded database takes a third of a gigabyte and starting it a second of one core, so
/// more at a time would not be faster.
const MOST_AT_A_TIME: usize = 4;

/// The whole of `main` of the test program.
pub fn main(modules: &[&[Test]]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    let lane = Lane::of_this_run();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    arguments.test_threads.get_or_insert((cores + 1).min(MOST_AT_A_TIME));

    let mut left_out = Vec::new();
    let mut to_run = false;
    let mut trials = Vec::new();
    for test in modules.iter().copied().flatten().copied() {
        let name = full_name(&test);
        let missing = test.needs.iter().find_map(|need| need.missing(lane));
        let runs = missing.is_none();
        if machine::nothing_may_be_skipped()
            && missing.as_ref().is_some_and(|missing| missing.runs_in_other_lane)
        {
            // Not left out: tests/run runs both lanes.
            continue;
        }
        let trial = trial(test, lane, &name, missing, &mut left_out);
        to_run |= runs && !arguments.is_filtered_out(&trial);
        trials.push(trial);
    }

    let mut _template = None;
    if to_run && !arguments.list {
        // Once, and before the clock of any test runs.
        match prepare(lane) {
            Ok(template) => _template = Some(template),
            Err(error) => {
                eprintln!("no test can run: {}", chain(&error));
                return ExitCode::from(101);
            }
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list && arguments.filter.is_none() {
        name_what_was_left_out(lane, &left_out);
    }
    conclusion.exit_code()
}

/// Builds the program under test, and lets it make the data folder that the worlds begin with.
fn prepare(lane: Lane) -> Result<Template> {
    process::build().context("building the server")?;
    tokio::runtime::Runtime::new()?.block_on(Template::make(lane))
}

struct LeftOut {
    name: String,
    reason: String,
}

fn trial(test: Test, lane: Lane, name: &str, missing: Option<Missing>, left_out: &mut Vec<LeftOut>) -> Trial {
    let trial = match missing {
        None => {
            let full = name.to_owned();
            Trial::test(name, move || run(test, lane, &full).map_err(|error| Failed::from(chain(&error))))
        }
        Some(missing) => {
            left_out.push(LeftOut { name: name.to_owned(), reason: missing.reason.clone() });
            if machine::nothing_may_be_skipped() {
                Trial::test(name, move || Err(Failed::from(format!("could not be run: {}", missing.reason))))
            } else {
                Trial::ignorable_test(name, move || Ok(Completion::ignored_with(missing.reason)))
            }
        }
    };
    trial.with_kind(lane.name())
}

fn run(test: Test, lane: Lane, name: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting a runtime for the test")?;
    runtime.block_on(async {
        let world = World::new(name, lane)?;
        // A panic is caught here so that the world is looked after in any case.
        let guarded = AssertUnwindSafe((test.run)(world.clone())).catch_unwind();
        let limit = limit();
        let outcome = match tokio::time::timeout(limit, guarded).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(anyhow!("panicked: {}", panic_message(panic.as_ref()))),
            Err(_) => Err(anyhow!("still running after {} s", limit.as_secs())),
        };
        let aftermath = world.end().await;
        match (outcome, aftermath) {
            (Ok(()), aftermath) => aftermath,
            (Err(error), aftermath) => {
                let error = match aftermath {
                    Ok(()) => error,
                    Err(more) => error.context(format!("and afterwards: {more:#}")),
                };
                Err(error.context(world.obituary()))
            }
        }
    })
}

/// An error with its causes and without a backtrace, which in async code leads nowhere.
fn chain(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join("\n  because: ")
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

/// `send::a_repeat_writes_nothing`: the module's path without the name of the test program.
fn full_name(test: &Test) -> String {
    let module = test.module.split_once("::").map_or("", |(_, module)| module);
    format!("{module}::{}", test.name)
}

fn name_what_was_left_out(lane: Lane, left_out: &[LeftOut]) {
    if left_out.is_empty() {
        return;
    }
    let mut out = std::io::stdout().lock();
    // A closed pipe is no reason to fail.
    let _ = writeln!(out, "NOT RUN in the {} lane, {} of the tests above:", lane.name(), left_out.len());
    for LeftOut { name, reason } in left_out {
        let _ = writeln!(out, "  {name}: {reason}");
    }
    let _ = writeln!(out, "tests/run installs what is missing and runs every test in both lanes.\n");
}
