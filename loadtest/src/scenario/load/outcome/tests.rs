//! What one contender did, summed up from its visitors.

use super::{medians, ratios};
use crate::measure::Busy;
use crate::scenario::latency::Percentiles;
use crate::scenario::load::Round;
use crate::view::Faults;

fn round(contender: &'static str, acks_per_second: f64) -> Round {
    Round {
        contender,
        acks_per_second,
        latency: Percentiles::default(),
        faults: Faults::default(),
        rows: None,
        busy: Busy::default(),
        server_bytes: None,
    }
}

/// The second pair came in the other order, while something else slowed the machine to a third.
fn rounds() -> [Round; 4] {
    [round("a", 900.0), round("b", 450.0), round("b", 150.0), round("a", 300.0)]
}

#[test]
fn pairs_are_matched_whatever_their_order() {
    assert_eq!(ratios(&rounds(), "b", "a"), [0.5, 0.5]);
    assert!(ratios(&rounds(), "b", "nobody").is_empty());
}

#[test]
fn medians_are_in_the_order_of_the_first_round() {
    let medians = medians(&rounds());
    let found: Vec<_> = medians.iter().map(|median| (median.contender, median.acks_per_second)).collect();
    assert_eq!(found, [("a", 600.0), ("b", 300.0)]);
}
