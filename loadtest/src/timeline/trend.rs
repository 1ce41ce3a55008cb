//! The line through a figure over time, which tells a leak from noise.
//!
//! Its slope is the median of the slopes between all pairs of points (Theil and Sen): a third of the points may be
//! anything at all, such as the peaks of a load that comes and goes, and the line stays where it is.

use serde::Serialize;

use super::Figure;
use crate::report::median;

/// Where it begins and where it ends, in seconds and in what the figure counts.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Trend {
    pub figure: Figure,
    pub from: (f64, f64),
    pub to: (f64, f64),
    /// How many points it goes through.
    pub of: usize,
}

impl Trend {
    /// The points in the order of time; None where two of them are not there.
    pub fn through(figure: Figure, points: &[(f64, f64)]) -> Option<Self> {
        let [(first, _), .., (last, _)] = *points else { return None };
        let pairs = points
            .iter()
            .enumerate()
            .flat_map(|(nth, from)| points[nth + 1..].iter().map(move |to| (from, to)));
        let slopes: Vec<f64> = pairs
            .filter(|(from, to)| to.0 > from.0)
            .map(|(from, to)| (to.1 - from.1) / (to.0 - from.0))
            .collect();
        if slopes.is_empty() {
            return None;
        }
        let slope = median(&slopes);
        let heights: Vec<f64> = points.iter().map(|(at, value)| value - slope * (at - first)).collect();
        let height = median(&heights);
        let end = height + slope * (last - first);
        Some(Self { figure, from: (first, height), to: (last, end), of: points.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Figure, Trend};

    #[test]
    fn peaks_do_not_lift_the_line() {
        let value =
            |second: u32| if second.is_multiple_of(5) { 500.0 } else { 10.0 + 0.5 * f64::from(second) };
        let points: Vec<_> = (0..60).map(|second| (f64::from(second), value(second))).collect();
        let trend = Trend::through(Figure::ServerMb, &points).unwrap();
        assert!((trend.from.1 - 10.0).abs() < 0.5 && (trend.to.1 - 39.5).abs() < 0.5, "{trend:?}");
    }

    #[test]
    fn a_moment_is_no_line() {
        assert!(Trend::through(Figure::ServerMb, &[(1.0, 5.0)]).is_none());
        assert!(Trend::through(Figure::ServerMb, &[(1.0, 5.0), (1.0, 6.0)]).is_none());
    }
}
