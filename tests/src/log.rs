//! Reading the server's log as an operator would: anything from WARN up that the test did not announce is a
//! failure, and so is a panic.
//!
//! Invariant: a line that is no JSON is fine (the address, a password shown once), unless it tells of a
//! panic.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// The lines of the log at `path` that nobody allowed, each as one readable line.
pub fn undeclared(path: &Path, allowed: &[String]) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(text
        .lines()
        .filter(|line| is_trouble(line))
        .filter(|line| !allowed.iter().any(|part| line.contains(part.as_str())))
        .map(readable)
        .collect())
}

/// The end of the log, for the message of a failed test.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let all: Vec<String> = text.lines().map(readable).collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn is_trouble(line: &str) -> bool {
    if line.contains("panicked at") {
        return true;
    }
    serde_json::from_str::<Value>(line)
        .is_ok_and(|entry| matches!(entry["level"].as_str(), Some("WARN" | "ERROR")))
}

fn readable(line: &str) -> String {
    let Ok(entry) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let Some(level) = entry["level"].as_str() else { return line.to_owned() };
    let mut fields = entry["fields"].as_object().cloned().unwrap_or_default();
    let message =
        fields.remove("message").and_then(|message| message.as_str().map(str::to_owned)).unwrap_or_default();
    let target = entry["target"].as_str().unwrap_or_default();
    let rest: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{level} {target}: {message} {}", rest.join(" ")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn troubles(log: &str, allowed: &[&str]) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), log).unwrap();
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        undeclared(file.path(), &allowed).unwrap()
    }

    #[test]
    fn a_warning_is_trouble_unless_it_was_allowed() {
        let log = r#"{"level":"INFO","fields":{"message":"listening"},"target":"http"}
{"level":"WARN","fields":{"message":"limits are off","by":"flag"},"target":"config"}"#;
        assert_eq!(troubles(log, &[]), [r#"WARN config: limits are off by="flag""#]);
        assert!(troubles(log, &["limits are off"]).is_empty());
    }

    #[test]
    fn a_panic_is_trouble_and_other_plain_lines_are_not() {
        let log = "listening on http://127.0.0.1:8080\nthread 'main' panicked at server/src/main.rs:1:1:";
        assert_eq!(troubles(log, &[]), ["thread 'main' panicked at server/src/main.rs:1:1:"]);
    }
}
