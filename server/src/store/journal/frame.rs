//! The frames of a segment: length, checksum, content. Whatever a crash or a bad disk leaves of them is told apart here.
//!
//! Invariant: a frame is on disk before the next is begun. So one that is broken with none after it is what a crash left,
//! and was never acknowledged; one that is broken with a whole one after it is damage.

/// Before the content: its length and its checksum, each four bytes, the smallest first.
const HEAD: usize = 8;
/// No frame is larger. What looks like the head of a larger one is none.
pub const LARGEST: usize = 8 * 1024 * 1024;

/// What can be read of a segment.
#[derive(Debug, PartialEq, Eq)]
pub struct Scan<'a> {
    pub frames: Vec<&'a [u8]>,
    /// Up to here all is whole.
    pub whole: usize,
    /// Where a whole frame stands after one that is not.
    pub stray: Option<usize>,
}

pub fn encode(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut frame = Vec::with_capacity(HEAD + content.len());
    frame.extend_from_slice(&length);
    frame.extend_from_slice(&checksum(length, content).to_le_bytes());
    frame.extend_from_slice(content);
    frame
}

pub fn scan(segment: &[u8]) -> Scan<'_> {
    let (mut frames, mut whole) = (Vec::new(), 0);
    while let Some(content) = frame_at(&segment[whole..]) {
        frames.push(content);
        whole += HEAD + content.len();
    }
    let rest = whole + 1..segment.len();
    let stray = rest.into_iter().find(|at| frame_at(&segment[*at..]).is_some());
    Scan { frames, whole, stray }
}

/// The content of the frame that begins here, if one does. None is empty, so that zeros are no frame.
fn frame_at(bytes: &[u8]) -> Option<&[u8]> {
    let length: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
    let sum: [u8; 4] = bytes.get(4..HEAD)?.try_into().ok()?;
    let size = usize::try_from(u32::from_le_bytes(length)).ok()?;
    if size == 0 || size > LARGEST {
        return None;
    }
    let content = bytes.get(HEAD..HEAD + size)?;
    (checksum(length, content) == u32::from_le_bytes(sum)).then_some(content)
}

/// Over the length too: a wrong one is not to be believed because what it leads to happens to fit.
fn checksum(length: [u8; 4], content: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&length);
    sum.update(content);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(contents: &[Vec<u8>]) -> Vec<u8> {
        contents.iter().flat_map(|content| encode(content)).collect()
    }

    /// As what is kept is JSON, no content has a byte below the space.
    fn contents() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(b' '.., 1..80), 1..8)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(contents in contents()) {
            let bytes = segment(&contents);
            let scan = scan(&bytes);
            prop_assert_eq!(scan.frames, contents);
            prop_assert_eq!((scan.whole, scan.stray), (bytes.len(), None));
        }

        #[test]
        fn what_a_crash_cut_off_costs_its_frame_alone(contents in contents(), cut in 1_usize..40, zeros in 0_usize..40) {
            let mut bytes = segment(&contents);
            let last = encode(contents.last().unwrap()).len();
            let cut = cut.min(last);
            bytes.truncate(bytes.len() - cut);
            // A file may grow before its content is there.
            bytes.extend(vec![0; zeros]);
            let scan = scan(&bytes);
            // Zeros may stand where zeros were: the frame is whole then.
            prop_assert!(scan.frames.len() + 1 >= contents.len());
            prop_assert_eq!(&scan.frames[..contents.len() - 1], &contents[..contents.len() - 1]);
            prop_assert_eq!(scan.stray, None);
        }

        #[test]
        fn a_flipped_bit_is_never_read_over(contents in contents(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut bytes = segment(&contents);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let scan = scan(&bytes);
            let mut end = 0;
            let hit = contents.iter().position(|content| {
                end += encode(content).len();
                at < end
            });
            let hit = hit.unwrap();
            prop_assert_eq!(&scan.frames[..], &contents[..hit]);
            prop_assert_eq!(scan.stray.is_some(), hit + 1 < contents.len(), "whole frames follow");
        }

        #[test]
        fn nonsense_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let scan = scan(&bytes);
            prop_assert!(scan.whole <= bytes.len());
        }
    }
}
