//! One Rust file, as far as the layout's rules need to see into it: its code without comments and strings,
//! its string literals, the paths that it names, and its inline modules.
//!
//! Invariant: offsets in `code` are offsets in the file, so that every finding has a line.

use std::ops::Range;

#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the repository, with `/`.
    pub(super) path: String,
    /// The file with comments and literals blanked out.
    pub(super) code: Vec<u8>,
    pub(super) strings: Vec<Literal>,
    pub(super) modules: Vec<InlineModule>,
}

/// What a string literal holds.
#[derive(Debug)]
pub(super) struct Literal {
    pub(super) offset: usize,
    pub(super) text: String,
}

/// `mod name { … }`
#[derive(Debug)]
pub(super) struct InlineModule {
    pub(super) name: String,
    pub(super) body: Range<usize>,
}

/// `a::b::c`, written out or gathered from a `use` tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) segments: Vec<String>,
    pub(super) offset: usize,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let (code, strings) = blank(text);
        let modules = inline_modules(&code);
        Self { path: path.to_owned(), code, strings, modules }
    }

    pub(super) fn line(&self, offset: usize) -> usize {
        self.code[..offset].split(|byte| *byte == b'\n').count()
    }

    /// Whether an offset is in code that only tests run: a crate of tests, a module `tests` of its own file,
    /// or one within a file.
    pub(super) fn is_test(&self, offset: usize) -> bool {
        let whole_file = self.path.split('/').any(|part| part == "tests" || part == "tests.rs");
        whole_file
            || self.modules.iter().any(|module| module.name == "tests" && module.body.contains(&offset))
    }

    /// Every path of two segments or more, and every path that a `use` brings in.
    pub(super) fn paths(&self) -> Vec<Named> {
        let tokens = tokens(&self.code);
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            // `+ use<'a>` captures a lifetime and imports nothing.
            if tokens[at].is("use") && tokens.get(at + 1).is_some_and(|next| !next.is("<")) {
                at += 1;
                use_tree(&tokens, &mut at, &[], &mut found);
            } else if tokens[at].is_word() {
                let start = at;
                let mut segments = vec![tokens[at].text.to_owned()];
                while at + 2 < tokens.len() && tokens[at + 1].is("::") && tokens[at + 2].is_word() {
                    at += 2;
                    segments.push(tokens[at].text.to_owned());
                }
                at += 1;
                if segments.len() > 1 {
                    found.push(Named { segments, offset: tokens[start].offset });
                }
            } else {
                at += 1;
            }
        }
        found
    }
}

// ------------------------------------------------------------------------------------------------- literals

fn blank(text: &str) -> (Vec<u8>, Vec<Literal>) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut strings = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = if rest.starts_with(b"//") {
            rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            block_comment(rest)
        } else if let Some((length, inside)) = string(bytes, at) {
            strings.push(Literal { offset: at, text: text[inside].to_owned() });
            length
        } else if let Some(length) = character(rest) {
            length
        } else {
            at += 1;
            continue;
        };
        for byte in &mut code[at..at + length] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += length;
    }
    (code, strings)
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// The length of the string literal at `at`, prefix and quotes included, and where its inside is.
fn string(bytes: &[u8], at: usize) -> Option<(usize, Range<usize>)> {
    let starts_a_token = at == 0 || !is_word_byte(bytes[at - 1]);
    let mut open = at;
    if starts_a_token && matches!(bytes[open], b'b' | b'c') {
        open += 1;
    }
    let raw = starts_a_token && bytes.get(open) == Some(&b'r');
    let mut hashes = 0;
    if raw {
        open += 1;
        hashes = bytes[open..].iter().take_while(|byte| **byte == b'#').count();
        open += hashes;
    }
    if bytes.get(open) != Some(&b'"') {
        return None;
    }
    let inside = open + 1;
    let mut end = inside;
    while end < bytes.len() {
        if bytes[end] == b'\\' && !raw {
            end += 2;
            continue;
        }
        let closes =
            bytes[end] == b'"' && bytes[end + 1..].iter().take_while(|byte| **byte == b'#').count() >= hashes;
        if closes {
            return Some((end + 1 + hashes - at, inside..end));
        }
        end += 1;
    }
    None
}

/// The length of the character literal here; a lifetime is none.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.first() != Some(&b'\'') {
        return None;
    }
    if rest.get(1) == Some(&b'\\') {
        return rest[3..].iter().position(|byte| *byte == b'\'').map(|end| end + 4);
    }
    // One character of any width, then the quote.
    let width = (2..=5).find(|end| rest.get(*end) == Some(&b'\''))?;
    std::str::from_utf8(&rest[1..width]).is_ok_and(|inside| inside.chars().count() == 1).then_some(width + 1)
}

// ------------------------------------------------------------------------------------------------- tokens

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    offset: usize,
}

impl Token<'_> {
    fn is(&self, text: &str) -> bool {
        self.text == text
    }

    fn is_word(&self) -> bool {
        self.text.as_bytes().first().is_some_and(|byte| is_word_byte(*byte) && !byte.is_ascii_digit())
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Words, `::`, and all else byte by byte.
fn tokens(code: &[u8]) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let length = if is_word_byte(code[at]) {
            code[at..].iter().take_while(|byte| is_word_byte(**byte)).count()
        } else if code[at..].starts_with(b"::") {
            2
        } else {
            1
        };
        // Outside of comments and literals the code of this repository is ASCII.
        if let Ok(text) = std::str::from_utf8(&code[at..at + length])
            && !text.trim().is_empty()
        {
            tokens.push(Token { text, offset: at });
        }
        at += length;
    }
    tokens
}

/// Reads one `use` tree and leaves `at` behind it.
fn use_tree(tokens: &[Token<'_>], at: &mut usize, prefix: &[String], found: &mut Vec<Named>) {
    let mut segments = prefix.to_vec();
    let Some(first) = tokens.get(*at) else { return };
    let offset = first.offset;
    while let Some(token) = tokens.get(*at) {
        if token.is("{") {
            *at += 1;
            while tokens.get(*at).is_some_and(|token| !token.is("}")) {
                use_tree(tokens, at, &segments, found);
                if tokens.get(*at).is_some_and(|token| token.is(",")) {
                    *at += 1;
                }
            }
            *at += 1;
            return;
        }
        if token.is("as") {
            *at += 2;
        } else if token.is_word() || token.is("*") {
            segments.push(token.text.to_owned());
            *at += 1;
        } else if token.is("::") {
            *at += 1;
        } else {
            break;
        }
    }
    if segments.len() > prefix.len() {
        found.push(Named { segments, offset });
    } else {
        // Nothing that could be read as a tree: leave it behind, and never stand still.
        *at += 1;
    }
}

fn inline_modules(code: &[u8]) -> Vec<InlineModule> {
    let tokens = tokens(code);
    let mut modules = Vec::new();
    for (at, three) in tokens.windows(3).enumerate() {
        if !(three[0].is("mod") && three[1].is_word() && three[2].is("{")) {
            continue;
        }
        let mut depth = 0_usize;
        let end = tokens[at + 2..].iter().find(|token| {
            match token.text {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let end = end.map_or(code.len(), |token| token.offset);
        modules.push(InlineModule { name: three[1].text.to_owned(), body: three[2].offset..end });
    }
    modules
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        Source::new("x.rs", text).paths().iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn paths_are_found_in_use_trees_and_in_code() {
        let text =
            "use crate::{store::{Pool, writer::*}, http as web};\nlet x = tokio_postgres::Row::new(a.b);";
        let expected =
            ["crate::store::Pool", "crate::store::writer::*", "crate::http", "tokio_postgres::Row::new"];
        assert_eq!(paths(text), expected);
        assert_eq!(paths("fn f<'a>() -> impl Fn() + use<'a> {}"), Vec::<String>::new());
        assert_eq!(paths("use axum;"), ["axum"]);
    }

    #[test]
    fn comments_and_literals_name_no_paths() {
        let text = r##"
            // crate::a /* crate::b
            /* crate::c /* crate::d */ crate::e */
            let x = "crate::f \" crate::g"; let y = r#"crate::h " crate::i"#; let z = ('"', '\'', 'é', b"crate::j");
            fn f<'a>(x: &'a str) -> k::l {}
        "##;
        assert_eq!(paths(text), ["k::l"]);
    }

    #[test]
    fn strings_are_kept_with_their_lines() {
        let source = Source::new("x.rs", "let a = 1;\nlet b = \"select 1\";");
        assert_eq!(source.strings[0].text, "select 1");
        assert_eq!(source.line(source.strings[0].offset), 2);
    }

    #[test]
    fn the_unit_tests_of_a_file_are_known() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { c::d(); }\n}\nfn e() { f::g(); }";
        let source = Source::new("x.rs", text);
        let in_tests: Vec<bool> = source.paths().iter().map(|path| source.is_test(path.offset)).collect();
        assert_eq!(in_tests, [true, false]);
    }
}
