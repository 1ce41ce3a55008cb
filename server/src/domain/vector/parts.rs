//! Several vectors that are only ever compared: each in a quarter of its size, and as near as makes no difference.

use std::fmt;

use super::{Vector, product};

/// Row by row, as it is stored: the size of a step, then each number in steps, a byte each.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Parts(Box<[u8]>);

/// Bytes of the size of a step.
const STEP: usize = size_of::<f32>();
/// Steps from nothing to the largest number of a row.
const STEPS: f32 = 127.0;

impl Parts {
    pub fn of(vectors: &[Vector]) -> Self {
        let mut rows = Vec::new();
        for vector in vectors {
            let largest = vector.as_slice().iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            // A vector without length is like nothing, whatever its step.
            let step = largest.max(f32::MIN_POSITIVE) / STEPS;
            rows.extend(step.to_le_bytes());
            #[expect(clippy::cast_possible_truncation, reason = "within -127 and 127")]
            rows.extend(vector.as_slice().iter().map(|value| ((value / step).round() as i8).cast_unsigned()));
        }
        Self(rows.into())
    }

    /// As they were stored.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The cosine of the one that is most like it; nothing where there is none of its width.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "so that a caller compiled for a wider processor takes it along")]
    pub fn nearest(&self, to: &Vector) -> Option<f32> {
        let row = STEP + to.as_slice().len();
        if !self.0.len().is_multiple_of(row) {
            return None;
        }
        let cosine = |row: &[u8]| {
            let (step, numbers) = row.split_first_chunk::<STEP>()?;
            let steps = product(to.as_slice(), numbers, |byte: u8| f32::from(byte.cast_signed()));
            Some(f32::from_le_bytes(*step) * steps)
        };
        self.0.chunks_exact(row).filter_map(cosine).max_by(f32::total_cmp)
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Parts({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_is_most_alike_is_found_and_hardly_less_exact() {
        for width in [3_u8, 16, 37] {
            let wave = |at: f32| {
                Vector::from((0..width).map(|n| (f32::from(n) * at).sin() + 0.1).collect::<Vec<_>>())
            };
            let (one, other, asked) = (wave(0.7), wave(2.1), wave(0.8));
            let exact = asked.cosine(&one).max(asked.cosine(&other));
            let parts = Parts::of(&[one, other]);
            assert!((parts.nearest(&asked).unwrap() - exact).abs() < 0.01, "{width}");
            assert_eq!(Parts::from_bytes(parts.as_bytes().to_vec()), parts);
        }
    }

    #[test]
    fn what_cannot_be_compared_is_nothing() {
        let unit = Vector::from(vec![1.0, 0.0]);
        assert_eq!(Parts::default().nearest(&unit), None);
        assert_eq!(Parts::of(&[Vector::from(vec![1.0, 0.0, 0.0])]).nearest(&unit), None);
        assert_eq!(Parts::from_bytes(vec![1, 2, 3]).nearest(&unit), None);
        assert!(Parts::of(&[Vector::from(vec![0.0, 0.0])]).nearest(&unit).unwrap().abs() < f32::EPSILON);
    }
}
