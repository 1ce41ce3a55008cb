//! Each pure part of the hot path so many times, for a tool that counts instructions: see `.ci/instructions`.
//!
//! `instructions NAME` does the part inside the function `measured`; what it needs is made before.

use std::hint::black_box;
use std::process::ExitCode;

use switchboard_server::hot::{Batch, Fanout, Session, decode, request};

/// Often enough that whatever is done once does not count.
const TIMES: u32 = 1_000;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("frame-decode") => {
            let text = request();
            measured(TIMES, || decode(&text));
        }
        Some("fanout-encode") => {
            let fanout = Fanout::new();
            measured(TIMES, || fanout.encode().len());
        }
        Some("session-step") => {
            let mut session = Session::new();
            measured(TIMES, || session.step());
        }
        Some("writer-batch") => {
            let batch = Batch::of(256);
            measured(TIMES / 10, || batch.steps());
        }
        // As part of `cargo test` and `cargo bench` it has nothing to do.
        _ => return ExitCode::SUCCESS,
    }
    ExitCode::SUCCESS
}

#[inline(never)]
fn measured(times: u32, mut part: impl FnMut() -> usize) {
    for _ in 0..times {
        black_box(part());
    }
}
