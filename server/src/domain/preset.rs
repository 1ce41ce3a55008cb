//! A support desk as data: for now the one where people alone answer.

/// The names that `--preset` takes.
pub const NAMES: &[&str] = &["relay"];

#[derive(Clone, Debug)]
pub struct Preset {
    /// Text of the desk, shown before the first message; never part of a log.
    pub greeting: Option<&'static str>,
}

impl Preset {
    pub fn named(name: &str) -> Option<Self> {
        (name == "relay").then_some(Self {
            greeting: Some("Hello! Write to us here, and a person will answer as soon as they can."),
        })
    }
}
