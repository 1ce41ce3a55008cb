//! Documents into chunks: pieces of a few paragraphs that can be found and quoted by themselves.
//!
//! Invariant: no sentence is cut, and every chunk knows the headings above it; only what is far too long to be one
//! sentence is parted between words. A chunk's text is plain, with the marks of Markdown for headings within it (`## `)
//! and for entries (`- `, `1. `), a row of a table being an entry.

mod dialogue;
mod html;
mod markdown;
mod pack;
mod pdf;
mod plain;
mod sentences;

use std::path::Path;

use crate::domain::knowledge::Chunk;

/// What a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Markdown,
    Html,
    Plain,
    Pdf,
}

/// A document that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it calls itself.
    pub title: Option<String>,
    /// Its text; that of a PDF is what could be read of it.
    pub content: String,
    pub chunks: Vec<Chunk>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the text is no UTF-8")]
    NotText,
    #[error("the text holds a NUL character")]
    Nul,
    #[error("it holds no text")]
    Empty,
    #[error("it has more than {} characters", MOST_CHARACTERS)]
    TooLong,
    #[error("the PDF cannot be read: {0}")]
    Pdf(String),
}

/// Of one document: a book of 400 pages has a million characters, and is better cut into its chapters.
pub const MOST_CHARACTERS: usize = 1_000_000;

impl Format {
    /// Nothing for a file that holds no text that we can read.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "md" | "markdown" | "mdx" => Some(Self::Markdown),
            "html" | "htm" | "xhtml" => Some(Self::Html),
            "txt" | "text" => Some(Self::Plain),
            "pdf" => Some(Self::Pdf),
            _ => None,
        }
    }
}

/// Reads a file.
pub fn read(format: Format, bytes: Vec<u8>) -> Result<Page, ReadError> {
    let content = match format {
        Format::Pdf => pdf::text(&bytes)?,
        _ => String::from_utf8(bytes).map_err(|_| ReadError::NotText)?,
    };
    let content = content.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(content);
    if content.contains('\0') {
        return Err(ReadError::Nul);
    }
    if content.chars().count() > MOST_CHARACTERS {
        return Err(ReadError::TooLong);
    }
    let outline = match format {
        Format::Markdown => markdown::outline(&content),
        Format::Html => html::outline(&content),
        Format::Plain | Format::Pdf => plain::outline(&content),
    };
    let talk = if matches!(format, Format::Html) { None } else { dialogue::chunks(&content) };
    let chunks = talk.unwrap_or_else(|| pack::pack(&outline));
    if chunks.is_empty() {
        return Err(ReadError::Empty);
    }
    Ok(Page { title: outline.title, content, chunks })
}

/// The chunks of a text that came without a name: HTML where it begins like that, else Markdown, which plain text is too.
/// Markdown that has no more than headings is a chunk as it stands.
pub fn chunks(title: &str, content: &str) -> Vec<Chunk> {
    let start = content.trim_start().get(..14).unwrap_or_default().to_ascii_lowercase();
    if let Some(talk) = dialogue::chunks(content) {
        return talk;
    }
    let is_html =
        start.starts_with("<!doctype html") || ["<html", "<body"].iter().any(|tag| start.starts_with(tag));
    let mut outline = if is_html { html::outline(content) } else { markdown::outline(content) };
    outline.title = Some(title.to_owned());
    let chunks = pack::pack(&outline);
    if is_html || !chunks.is_empty() || content.trim().is_empty() {
        return chunks;
    }
    vec![Chunk { heading: String::new(), text: squeezed(content) }]
}

/// The sentences of a chunk's text, its entries among them: without the headings, and without the dashes of lists.
pub fn sentences(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.starts_with("## "));
    let lines = lines.map(|line| line.trim().trim_start_matches("- "));
    lines.flat_map(sentences::sentences).collect()
}

/// A document as its structure shows it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outline {
    title: Option<String>,
    blocks: Vec<Block>,
}

#[derive(Debug, PartialEq, Eq)]
enum Block {
    /// From 1, the outermost.
    Heading(u8, String),
    Prose(String),
    /// An entry of a list, with what stands before it.
    Item(String),
    /// A row of a table, each cell with the name of its column.
    Row(String),
    /// As it was laid out.
    Code(String),
}

impl Outline {
    fn heading(&mut self, level: u8, text: &str) {
        let text = squeezed(text);
        if text.is_empty() {
            return;
        }
        if self.title.is_none() {
            self.title = Some(text.clone());
        }
        self.blocks.push(Block::Heading(level, text));
    }

    fn push(&mut self, make: fn(String) -> Block, text: &str) {
        let text = squeezed(text);
        if !text.is_empty() {
            self.blocks.push(make(text));
        }
    }

    fn row(&mut self, head: &[String], cells: &[String]) {
        let named =
            cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()).map(|(at, cell)| {
                match head.get(at).filter(|name| !name.is_empty()) {
                    Some(name) => format!("{name}: {cell}"),
                    None => cell.clone(),
                }
            });
        let row = named.collect::<Vec<_>>().join("; ");
        if !row.is_empty() {
            self.push(Block::Row, &format!("- {row}"));
        }
    }

    fn code(&mut self, text: &str) {
        let text = text.trim_matches('\n').trim_end();
        if !text.is_empty() {
            self.blocks.push(Block::Code(text.to_owned()));
        }
    }
}

/// With single spaces and none at the ends.
fn squeezed(text: &str) -> String {
    let mut squeezed = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !squeezed.is_empty() {
            squeezed.push(' ');
        }
        squeezed.push_str(word);
    }
    squeezed
}

#[cfg(test)]
mod tests;
