//! The exact search: every vector is looked at, so that nothing is missed.
//!
//! Invariant: as many rows come back as are asked for and pass the filter; a filter never makes results short.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use pulp::Arch;

use crate::domain::vector::{Vector, dot};

/// Vectors of one width, with what each belongs to.
#[derive(Clone, Debug)]
pub struct Scan<T> {
    /// One after the other: 150 MB for a hundred thousand.
    values: Vec<f32>,
    ids: Vec<T>,
    dimensions: usize,
}

impl<T: Clone> Scan<T> {
    pub fn new(dimensions: usize) -> Self {
        Self { values: Vec::new(), ids: Vec::new(), dimensions }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether it was taken in: a vector of another width is another embedder's.
    pub fn add(&mut self, id: T, vector: &Vector) -> bool {
        let fits = vector.as_slice().len() == self.dimensions;
        if fits {
            self.values.extend_from_slice(vector.as_slice());
            self.ids.push(id);
        }
        fits
    }

    #[cfg(test)]
    /// Leaves out what `keep` does not want; the rest stays in order.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        let mut kept = 0;
        for at in 0..self.ids.len() {
            if keep(&self.ids[at]) {
                self.ids.swap(kept, at);
                self.values
                    .copy_within(at * self.dimensions..(at + 1) * self.dimensions, kept * self.dimensions);
                kept += 1;
            }
        }
        self.ids.truncate(kept);
        self.values.truncate(kept * self.dimensions);
    }

    /// The nearest of those that pass, the best first, each with its cosine. What is level stays in the order added.
    pub fn nearest(&self, question: &Vector, limit: usize, passes: impl Fn(&T) -> bool) -> Vec<(T, f32)> {
        let question = question.as_slice();
        if limit == 0 || question.len() != self.dimensions {
            return Vec::new();
        }
        let mut best: BinaryHeap<Found> = BinaryHeap::with_capacity(limit.min(self.ids.len()) + 1);
        Arch::new().dispatch(|| {
            for (at, (id, values)) in
                self.ids.iter().zip(self.values.chunks_exact(self.dimensions)).enumerate()
            {
                if !passes(id) {
                    continue;
                }
                let found = Found { cosine: dot(question, values), at };
                if best.len() < limit {
                    best.push(found);
                } else if best.peek().is_some_and(|worst| found < *worst) {
                    best.pop();
                    best.push(found);
                }
            }
        });
        best.into_sorted_vec().into_iter().map(|found| (self.ids[found.at].clone(), found.cosine)).collect()
    }
}

/// The better is the smaller, so that the heap's top is the one to go.
struct Found {
    cosine: f32,
    at: usize,
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> Ordering {
        other.cosine.total_cmp(&self.cosine).then(self.at.cmp(&other.at))
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Found {}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(degrees: u16) -> Vector {
        let angle = f32::from(degrees).to_radians();
        vec![angle.cos(), angle.sin()].into()
    }

    fn circle() -> Scan<u16> {
        let mut scan = Scan::new(2);
        for degrees in (0..360).step_by(10) {
            assert!(scan.add(degrees, &around(degrees)));
        }
        scan
    }

    #[test]
    fn the_nearest_come_first() {
        let found: Vec<u16> =
            circle().nearest(&around(42), 3, |_| true).into_iter().map(|(id, _)| id).collect();
        assert_eq!(found, [40, 50, 30]);
    }

    /// The classic failure of an approximate index: the filter empties what the index brought.
    #[test]
    fn a_filter_never_makes_results_short() {
        let scan = circle();
        for limit in [1, 5, 9, 50] {
            let found = scan.nearest(&around(0), limit, |id| (100..190).contains(id));
            assert_eq!(found.len(), limit.min(9));
            assert!(found.iter().all(|(id, _)| (100..190).contains(id)));
            assert!(found.is_sorted_by(|a, b| a.1 >= b.1));
        }
        assert!(scan.nearest(&around(0), 0, |_| true).is_empty());
    }

    #[test]
    fn another_embedders_vectors_are_not_compared() {
        let mut scan = circle();
        assert!(!scan.add(7, &vec![1.0; 3].into()));
        assert!(scan.nearest(&vec![1.0; 3].into(), 5, |_| true).is_empty());
    }

    #[test]
    fn what_is_left_out_is_gone_and_the_rest_keeps_its_vectors() {
        let mut scan = circle();
        scan.retain(|id| id % 20 == 0);
        assert_eq!(scan.len(), 18);
        let (id, cosine) = scan.nearest(&around(101), 1, |_| true)[0];
        assert_eq!(id, 100);
        assert!(cosine > 0.999);
        scan.retain(|_| false);
        assert!(scan.is_empty() && scan.nearest(&around(0), 3, |_| true).is_empty());
    }
}
