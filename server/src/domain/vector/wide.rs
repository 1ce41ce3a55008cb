//! Loops over many numbers, compiled for several processors.

use pulp::{Simd, WithSimd};

/// Runs a block in the version that is compiled for the widest registers of this processor.
///
/// A macro, because only what is always inlined gets there: a plain closure stays a function of its own once it is long,
/// compiled for the oldest processor of all. For the same reason whatever the block calls is `inline(always)`.
macro_rules! wide {
    ($work:expr) => {
        pulp::Arch::new().dispatch($crate::domain::vector::Wide(
            #[inline(always)]
            || $work,
        ))
    };
}

pub(crate) use wide;

/// The block of `wide!`. Called as `FnMut`: as `FnOnce` there would be one more function between, never inlined.
pub(crate) struct Wide<F>(pub F);

impl<R, F: FnMut() -> R> WithSimd for Wide<F> {
    type Output = R;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as said above")]
    fn with_simd<S: Simd>(mut self, _: S) -> R {
        (self.0)()
    }
}
