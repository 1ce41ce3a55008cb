//! Vectors of a meaning, and how alike two of them are.
//!
//! Invariant: a `Vector` has length 1, so that a product is a cosine.

mod parts;
mod wide;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use parts::Parts;
pub(crate) use wide::{Wide, wide};

/// What an embedder makes of a text. Cheap to clone.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<f32>")]
pub struct Vector(Arc<[f32]>);

/// What a thing means: all of it, and, where it says several things, each of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Sense {
    pub whole: Vector,
    pub parts: Parts,
}

/// Of what says one thing.
impl From<Vector> for Sense {
    fn from(whole: Vector) -> Self {
        Self { whole, parts: Parts::default() }
    }
}

/// How many numbers a vector has: the column in the database is as wide.
pub const DIMENSIONS: usize = 384;

impl Vector {
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// The direction of the mean of several of one width, each as heavy as is said.
    pub fn blend<'a>(weighed: impl Iterator<Item = (f32, &'a Self)>) -> Self {
        let mut sum: Vec<f32> = Vec::new();
        for (weight, vector) in weighed {
            sum.resize(vector.0.len(), 0.0);
            sum.iter_mut().zip(vector.as_slice()).for_each(|(sum, value)| *sum += weight * value);
        }
        Self::from(sum)
    }

    /// -1 to 1; 0 where the two are of different width, which cannot be compared.
    pub fn cosine(&self, other: &Self) -> f32 {
        if self.0.len() == other.0.len() { dot(&self.0, &other.0) } else { 0.0 }
    }
}

/// The product of two slices of one length.
#[inline(always)]
#[allow(clippy::inline_always, reason = "so that a caller compiled for a wider processor takes it along")]
pub fn dot(left: &[f32], right: &[f32]) -> f32 {
    product(left, right, |value| value)
}

/// The same where the numbers of one are read as they come.
///
/// Several sums side by side: one after the other would keep the processor's wide registers empty.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as above")]
fn product<T: Copy>(left: &[f32], right: &[T], number: impl Fn(T) -> f32) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (left_chunks, left_rest) = left.as_chunks::<LANES>();
    let (right_chunks, right_rest) = right.as_chunks::<LANES>();
    for (l, r) in left_chunks.iter().zip(right_chunks) {
        for lane in 0..LANES {
            sums[lane] += l[lane] * number(r[lane]);
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(l, r)| l * number(*r)).sum();
    sums.iter().sum::<f32>() + rest
}

/// Scales to length 1; what has no length keeps none.
impl From<Vec<f32>> for Vector {
    fn from(mut values: Vec<f32>) -> Self {
        let length = dot(&values, &values).sqrt();
        if length > 0.0 && length.is_finite() {
            for value in &mut values {
                *value /= length;
            }
        } else {
            values.fill(0.0);
        }
        Self(values.into())
    }
}

impl fmt::Debug for Vector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Vector({} numbers)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_length_one() {
        let vector = Vector::from(vec![3.0, 4.0]);
        assert_eq!(vector.as_slice(), [0.6, 0.8]);
        assert!((vector.cosine(&vector) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn nothing_and_what_is_no_number_are_like_nothing() {
        let unit = Vector::from(vec![1.0, 0.0]);
        for odd in [vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY, 1.0], vec![1.0], vec![]] {
            assert!(unit.cosine(&Vector::from(odd)).abs() < f32::EPSILON);
        }
    }

    #[test]
    fn a_product_counts_every_number() {
        for width in [1_u8, 15, 16, 17, 37] {
            let values: Vec<f32> = (0..width).map(f32::from).collect();
            let plain: f32 = values.iter().map(|value| value * value).sum();
            assert!((dot(&values, &values) - plain).abs() < 0.01);
        }
    }
}
