# Shorthand for the commands of the README and CONTRIBUTING; nothing here is needed to build, run or test.

default:
    @just --list

# Start the server on the embedded database.
run *arguments:
    cargo run --release --locked -- {{arguments}}

# Every test, in both lanes, after installing what is missing.
test:
    tests/run

# The end-to-end tests whose name contains a word, on the embedded database or on `local`.
e2e word="" database="embedded":
    SWITCHBOARD_TEST_DATABASE={{database}} cargo test --test e2e -- {{word}}

# What is quick: format, lints, layout, spelling.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo test --package switchboard-tests --lib tidy

# How long the pure parts of the hot path take.
bench:
    cargo bench --locked --package switchboard-server --bench hot

# All that is asked of a change.
ci:
    .ci/run
