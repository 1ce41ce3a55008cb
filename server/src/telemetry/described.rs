//! What each number of `/metrics` means. None has a label by conversation or by person.

use Kind::{Counter, Gauge, Histogram};

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

const METRICS: &[(Kind, &str, &str)] = &[
    (Gauge, "switchboard_connections", "Sockets that are open."),
    (Gauge, "switchboard_sessions", "Conversations that have an entry here, live or asleep."),
    (Gauge, "switchboard_sessions_live", "Conversations with a running actor."),
    (Gauge, "switchboard_feed_consoles", "Sockets of staff that are told of escalations."),
    (Gauge, "switchboard_tasks", "Tasks of the runtime that have not ended."),
    (Gauge, "switchboard_lane_depth", "Writes that wait for a lane."),
    (Gauge, "switchboard_pool_connections", "Connections to the database, by pool."),
    (Gauge, "switchboard_pool_available", "Connections that nobody uses, by pool."),
    (Gauge, "switchboard_pool_waiting", "Callers that wait for a connection, by pool."),
    (Gauge, "switchboard_memory_bytes", "What the memory takes that is held in memory, about."),
    (Gauge, "switchboard_memory_waiting", "Items that wait for a vector; 10000 is that many or more."),
    (Gauge, "switchboard_knowledge_bytes", "What the knowledge takes that is held in memory, about."),
    (Gauge, "switchboard_knowledge_waiting", "Chunks that wait for a vector; 10000 is that many or more."),
    (Counter, "switchboard_logins_total", "Tries to log in, by outcome."),
    (Counter, "switchboard_refresh_reuses_total", "Log-ins ended because a refresh token was used twice."),
    (Counter, "switchboard_requests_total", "Requests by method."),
    (Counter, "switchboard_knowledge_embedded_total", "Chunks that were given a vector."),
    (
        Counter,
        "switchboard_memory_learned_total",
        "Conversations that were learned from, or judged after that.",
    ),
    (
        Counter,
        "switchboard_processing_failures_total",
        "What could not be processed, by kind. insight.stats lists what, and why.",
    ),
    (Counter, "switchboard_memory_embedded_total", "Items and tasks of the memory that were given a vector."),
    (Histogram, "switchboard_search_seconds", "Searches, by what they are of."),
    (Counter, "switchboard_request_errors_total", "Refused requests by kind of error."),
    (
        Counter,
        "switchboard_opens_total",
        "Opened conversations, by whether the client's position was recovered.",
    ),
    (Counter, "switchboard_closes_total", "Sockets that the server closed, by close code."),
    (Counter, "switchboard_messages_committed_total", "Messages that are on disk."),
    (Counter, "switchboard_persistence_failures_total", "Writes that the database refused for good."),
    (Counter, "switchboard_persistence_retries_total", "Batches tried again because the database was away."),
    (Counter, "switchboard_resume_statements_total", "Statements that resuming clients cost."),
    (Counter, "switchboard_brain_fallbacks_total", "Steps that the remote brain failed at, by step."),
    (Gauge, "switchboard_outbox_depth", "Deliveries to webhooks that wait; 10000 is that many or more."),
    (Counter, "switchboard_webhook_deliveries_total", "Deliveries that a webhook has accepted."),
    (Counter, "switchboard_webhook_failures_total", "Attempts to deliver that have failed."),
    (Counter, "switchboard_webhook_dead_total", "Deliveries that were given up after a day."),
    (
        Gauge,
        "switchboard_journal_messages",
        "Acknowledged messages that wait in the journal for the database.",
    ),
    (Gauge, "switchboard_journal_bytes", "What the journal takes of its disk."),
    (Histogram, "switchboard_journal_fsync_seconds", "Putting one frame of the journal on disk."),
    (Counter, "switchboard_journal_drained_total", "Messages of the journal that are in the log."),
    (Counter, "switchboard_journal_rejected_total", "Messages of the journal that could not be stored."),
    (Histogram, "switchboard_batch_writes", "Conversations written by one commit."),
    (Histogram, "switchboard_commit_seconds", "From a batch's begin to its commit."),
    (Histogram, "switchboard_statement_seconds", "Transactions, by their last statement."),
];

/// Gives every metric its text, for `# HELP`.
pub fn describe() {
    for &(kind, name, text) in METRICS {
        match kind {
            Counter => metrics::describe_counter!(name, text),
            Gauge => metrics::describe_gauge!(name, text),
            Histogram => metrics::describe_histogram!(name, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use regex::Regex;

    use super::METRICS;

    #[test]
    fn the_table_is_what_the_code_counts() {
        let emitted = Regex::new(r#"metrics::(?:counter|gauge|histogram)!\(\s*"(switchboard_\w+)""#).unwrap();
        let mut counted = BTreeSet::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut |text| {
            counted.extend(emitted.captures_iter(text).map(|found| found[1].to_owned()));
        });
        let described: BTreeSet<String> = METRICS.iter().map(|&(_, name, _)| name.to_owned()).collect();
        assert_eq!(described, counted);
    }

    /// Every source of the server but the tests of this module.
    fn collect(folder: &Path, read: &mut impl FnMut(&str)) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, read);
            } else if !path.ends_with("telemetry.rs") {
                read(&fs::read_to_string(&path).unwrap());
            }
        }
    }
}
