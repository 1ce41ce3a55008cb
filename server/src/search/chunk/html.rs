//! The structure of HTML, from its tags as they come: pages in the wild close few of them, and for a text it is enough
//! to know where a block begins.

use std::cell::RefCell;

use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::{Block, Outline, squeezed};

pub fn outline(text: &str) -> Outline {
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(text.into());
    // It pauses for scripts to be run, which nobody does here.
    while !input.is_empty() {
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    tokenizer.sink.0.into_inner().finish()
}

/// The tokenizer calls it one token at a time, never from within another call.
#[derive(Default)]
struct Sink(RefCell<Reader>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        self.0.borrow_mut().hear(token)
    }
}

#[derive(Default)]
struct Reader {
    outline: Outline,
    /// How many of the blocks stand before what the page calls its main part, and how many up to its end.
    main: Option<(usize, Option<usize>)>,
    /// Of `<title>`.
    named: Option<String>,
    text: String,
    /// The element that is passed over, and how often it stands in itself.
    hidden: Option<(String, usize)>,
    is_preformatted: bool,
    is_entry: bool,
    /// The numbers of the lists that are open, where they count.
    lists: Vec<Option<u64>>,
    head: Vec<String>,
    cells: Vec<(String, bool)>,
    /// Whether the cell that is being read names its column.
    cell: Option<bool>,
}

/// What is around a text, not in it.
const HIDDEN: &[&str] = &[
    "script", "style", "noscript", "template", "nav", "footer", "aside", "svg", "math", "iframe", "object",
    "button", "select", "textarea", "dialog",
];
/// What does not part a text into blocks.
const INLINE: &[&str] = &[
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var",
    "wbr", "img", "input",
];

impl Reader {
    fn hear(&mut self, token: Token) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) => return self.tag(&tag),
            Token::CharacterTokens(text) if self.hidden.is_none() => self.text.push_str(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        let begins = tag.kind == TagKind::StartTag;
        if let Some((hidden, depth)) = &mut self.hidden {
            if *hidden == name {
                *depth = if begins { *depth + 1 } else { *depth - 1 };
                if *depth == 0 {
                    self.hidden = None;
                }
            }
        } else if begins && HIDDEN.contains(&name) && !tag.self_closing {
            self.flush();
            self.hidden = Some((name.to_owned(), 1));
        } else if begins {
            self.begin(name);
        } else {
            self.end(name);
        }
        match name {
            _ if !begins => TokenSinkResult::Continue,
            "script" => TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "iframe" | "noscript" => TokenSinkResult::RawData(RawKind::Rawtext),
            "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
            _ => TokenSinkResult::Continue,
        }
    }

    fn begin(&mut self, name: &str) {
        match name {
            "br" if self.is_preformatted => self.text.push('\n'),
            "br" => self.text.push(' '),
            _ if INLINE.contains(&name) => {}
            _ => {
                self.flush();
                match name {
                    "main" if self.main.is_none() => self.main = Some((self.outline.blocks.len(), None)),
                    "pre" => self.is_preformatted = true,
                    "ul" => self.lists.push(None),
                    "ol" => self.lists.push(Some(1)),
                    "li" => self.is_entry = true,
                    "table" => self.head.clear(),
                    "tr" => self.row(),
                    "td" | "th" => {
                        self.end_cell();
                        self.cell = Some(name == "th");
                    }
                    _ => {}
                }
            }
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            _ if INLINE.contains(&name) || name == "br" => {}
            "title" => self.named = Some(squeezed(&std::mem::take(&mut self.text))),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let text = std::mem::take(&mut self.text);
                self.outline.heading(name.as_bytes()[1] - b'0', &text);
            }
            "pre" => {
                self.is_preformatted = false;
                let text = std::mem::take(&mut self.text);
                self.outline.code(&text);
            }
            "td" | "th" => self.end_cell(),
            _ => {
                self.flush();
                match name {
                    "main" => {
                        let blocks = self.outline.blocks.len();
                        self.main = self.main.map(|(from, upto)| (from, upto.or(Some(blocks))));
                    }
                    "ul" | "ol" => _ = self.lists.pop(),
                    "li" => self.is_entry = false,
                    "tr" | "table" => self.row(),
                    _ => {}
                }
            }
        }
    }

    /// What was read so far is a block.
    fn flush(&mut self) {
        // All of a cell is one text.
        if self.cell.is_some() {
            return self.text.push(' ');
        }
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        if self.is_preformatted {
            return self.outline.code(&text);
        }
        if !std::mem::take(&mut self.is_entry) {
            return self.outline.push(Block::Prose, &text);
        }
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        };
        self.outline.push(Block::Item, &format!("{marker}{text}"));
    }

    fn end_cell(&mut self) {
        if let Some(is_head) = self.cell.take() {
            let text = std::mem::take(&mut self.text);
            self.cells.push((squeezed(&text), is_head));
        }
    }

    /// A row is over; one of nothing but heads names the columns.
    fn row(&mut self) {
        self.end_cell();
        let cells = std::mem::take(&mut self.cells);
        if cells.is_empty() {
            return;
        }
        let is_head = cells.iter().all(|(_, is_head)| *is_head);
        let cells: Vec<String> = cells.into_iter().map(|(text, _)| text).collect();
        if is_head {
            self.head = cells;
        } else {
            self.outline.row(&self.head, &cells);
        }
    }

    fn finish(mut self) -> Outline {
        self.row();
        self.flush();
        if let Some((from, upto)) = self.main {
            self.outline.blocks.truncate(upto.unwrap_or(usize::MAX));
            let main = self.outline.blocks.split_off(from);
            // An empty frame that a script fills.
            if !main.is_empty() {
                self.outline.blocks = main;
            }
        }
        let first = |wanted: u8| {
            self.outline.blocks.iter().find_map(|block| match block {
                Block::Heading(level, text) if *level <= wanted => Some(text.clone()),
                _ => None,
            })
        };
        self.outline.title = first(1).or(self.named.filter(|named| !named.is_empty())).or_else(|| first(6));
        self.outline
    }
}
