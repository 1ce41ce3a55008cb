//! What the server tells of itself: the log on stderr, and the numbers of `/metrics`.
//!
//! Invariant: neither holds the text of a message, a token, or the address of a person.

mod described;

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::{LogConfig, LogFormat};

/// Begins the log, with the fields of the spans around each line: a request's id, a connection's, a trace's.
pub fn start(log: &LogConfig) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(with_quiet_libraries(&log.filter))
        .with_context(|| format!("the log filter `{}`", log.filter))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE);
    let started = match log.format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => lines.json().with_current_span(true).with_span_list(false).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

/// Handle to the numbers of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

/// Begins to count, once a process; later calls return the same.
pub fn install() -> Metrics {
    static INSTALLED: OnceLock<Metrics> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            let recorder = builder().build_recorder();
            let metrics = Metrics(recorder.handle());
            if metrics::set_global_recorder(recorder).is_ok() {
                described::describe();
            } else {
                tracing::warn!("something else counts already: /metrics stays empty");
            }
            metrics
        })
        .clone()
}

/// From the quickest statement to the slowest that is waited for.
const SECONDS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Powers of two up to what a batch may hold.
const BATCHES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Samples of histograms gather in memory until somebody sorts them in.
const KEPT_UP: Duration = Duration::from_secs(5);

impl Metrics {
    /// The text of `/metrics`.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Sorts in what was recorded, for as long as it is polled.
    pub async fn keep_up(&self) {
        let mut due = tokio::time::interval(KEPT_UP);
        loop {
            due.tick().await;
            self.0.run_upkeep();
        }
    }
}

fn builder() -> PrometheusBuilder {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Prefix("switchboard_batch_".to_owned()), &BATCHES)
        })
        .expect("neither list of buckets is empty")
}

/// A notice of the database is no news, unless somebody asks for it by name.
fn with_quiet_libraries(filter: &str) -> String {
    let mut filter = filter.to_owned();
    let heard = filter.split(',').any(|part| ["warn", "info", "debug", "trace"].contains(&part.trim()));
    // The pool warns of every connection that a restart of Postgres broke; one line of our own says that.
    for (library, level) in [("tokio_postgres", "warn"), ("oliphaunt_wasix", "warn"), ("deadpool", "error")] {
        if heard && !filter.contains(library) {
            filter.extend([",", library, "=", level]);
        }
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_quiet_unless_they_are_named() {
        assert_eq!(
            with_quiet_libraries("info"),
            "info,tokio_postgres=warn,oliphaunt_wasix=warn,deadpool=error"
        );
        assert_eq!(with_quiet_libraries("error"), "error");
        assert_eq!(
            with_quiet_libraries("debug,tokio_postgres=debug"),
            "debug,tokio_postgres=debug,oliphaunt_wasix=warn,deadpool=error"
        );
        for filter in ["off", "info", "info,switchboard_server::socket=trace"] {
            EnvFilter::builder().parse(with_quiet_libraries(filter)).unwrap();
        }
    }

    #[test]
    fn histograms_have_buckets_and_say_what_they_are() {
        let metrics = install();
        metrics::histogram!("switchboard_statement_seconds", "statement" => "a test").record(0.002);
        metrics::histogram!("switchboard_batch_of_a_test").record(3.0);
        let text = install().render();
        for line in [
            "switchboard_statement_seconds_bucket{statement=\"a test\",le=\"0.0025\"} 1",
            "switchboard_statement_seconds_bucket{statement=\"a test\",le=\"0.001\"} 0",
            "switchboard_batch_of_a_test_bucket{le=\"4\"} 1",
            "# HELP switchboard_statement_seconds ",
        ] {
            assert!(text.contains(line), "{line} is not in:\n{text}");
        }
        assert!(metrics.render().contains("switchboard_batch_of_a_test_count 1"));
    }
}
