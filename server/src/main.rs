//! The program `switchboard`: its allocator, and the way into the command line.

use std::process::ExitCode;

/// Many short-lived strings on many threads: the system's allocator keeps twice the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    switchboard_server::cli::main()
}
