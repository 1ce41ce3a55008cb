//! How many tokens a text will be, without the model's own tokenizer: rather too many than too few.

use super::Message;

/// Four letters a token is what English gives; of other scripts a letter may be a whole one.
pub fn tokens(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().count() - ascii;
    ascii.div_ceil(4) + others
}

pub fn of_messages(messages: &[Message]) -> usize {
    messages.iter().map(|message| tokens(&message.content) + FRAME).sum()
}

/// The end of a text that fits into so many tokens.
pub(super) fn last(text: &str, most: usize) -> &str {
    &text[text.len() - fitting(text.chars().rev(), most)..]
}

/// The beginning of a text that fits into so many tokens.
pub(super) fn first(text: &str, most: usize) -> &str {
    &text[..fitting(text.chars(), most)]
}

/// How many bytes the letters take up to the last that fits.
fn fitting(letters: impl Iterator<Item = char>, most: usize) -> usize {
    let (mut ascii, mut others, mut bytes) = (0_usize, 0_usize, 0);
    for letter in letters {
        if letter.is_ascii() {
            ascii += 1;
        } else {
            others += 1;
        }
        if ascii.div_ceil(4) + others > most {
            break;
        }
        bytes += letter.len_utf8();
    }
    bytes
}

/// What a message costs beside its text.
pub(super) const FRAME: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_err_on_the_side_of_caution() {
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens("a"), 1);
        assert_eq!(tokens("eight ch"), 2);
        assert_eq!(tokens("日本語"), 3);
        assert_eq!(tokens("größer"), 2 + 1);
    }

    #[test]
    fn ends_and_beginnings_fit() {
        assert_eq!(first("aaaabbbbc", 2), "aaaabbbb");
        assert_eq!(first("日本語", 2), "日本");
        assert_eq!(first("abc", 0), "");
        assert_eq!(first("abc", 9), "abc");
        assert_eq!(last("caaaabbbb", 2), "aaaabbbb");
        assert_eq!(last("日本語", 2), "本語");
        assert_eq!(last("abc", 0), "");
        assert_eq!(last("abc", 9), "abc");
    }
}
