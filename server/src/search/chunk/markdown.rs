//! The structure of Markdown.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{Block, Outline, html, squeezed};

pub fn outline(text: &str) -> Outline {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = Reader::default();
    for event in Parser::new_ext(text, options) {
        reader.hear(event);
    }
    reader.flush();
    reader.outline
}

#[derive(Default)]
struct Reader {
    outline: Outline,
    /// Of the block that is being read.
    text: String,
    /// The lists that are open: the number of the next entry, where they count.
    lists: Vec<Option<u64>>,
    /// Before the text, where an entry has just begun.
    marker: Option<String>,
    head: Vec<String>,
    cells: Vec<String>,
}

impl Reader {
    fn hear(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.begin(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) | Event::Html(text) => self.text.push_str(&text),
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            Event::InlineHtml(tag) if tag.starts_with("<br") => self.text.push(' '),
            Event::Rule => self.flush(),
            _ => {}
        }
    }

    fn begin(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Heading { .. } | Tag::CodeBlock(_) | Tag::HtmlBlock | Tag::Table(_) => self.flush(),
            Tag::List(first) => {
                self.flush();
                self.lists.push(*first);
            }
            Tag::Item => {
                self.flush();
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                });
            }
            Tag::Paragraph if self.lists.is_empty() => self.flush(),
            // Another paragraph of an entry belongs to it.
            Tag::Paragraph => self.text.push(' '),
            Tag::TableHead | Tag::TableRow => self.cells.clear(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                let text = std::mem::take(&mut self.text);
                self.outline.heading(level as u8, &text);
            }
            TagEnd::CodeBlock => {
                let text = std::mem::take(&mut self.text);
                self.outline.code(&text);
            }
            TagEnd::HtmlBlock => {
                let text = std::mem::take(&mut self.text);
                self.outline.blocks.extend(html::outline(&text).blocks);
            }
            TagEnd::MetadataBlock(_) => {
                let text = std::mem::take(&mut self.text);
                self.outline.title = named_title(&text);
            }
            TagEnd::Paragraph if self.lists.is_empty() => self.flush(),
            TagEnd::Item => {
                self.flush();
                self.marker = None;
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::TableCell => {
                let text = std::mem::take(&mut self.text);
                self.cells.push(squeezed(&text));
            }
            TagEnd::TableHead => self.head = std::mem::take(&mut self.cells),
            TagEnd::TableRow => self.outline.row(&self.head, &self.cells),
            _ => {}
        }
    }

    /// What was read so far is a block.
    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        if text.trim().is_empty() {
            return;
        }
        match self.marker.take() {
            Some(marker) => self.outline.push(Block::Item, &format!("{marker}{text}")),
            None if !self.lists.is_empty() => self.outline.push(Block::Item, &text),
            None => self.outline.push(Block::Prose, &text),
        }
    }
}

/// The title that stands before the text, as publishing tools have it.
fn named_title(metadata: &str) -> Option<String> {
    let line = metadata.lines().find_map(|line| line.strip_prefix("title:"))?;
    let title = line.trim().trim_matches(['"', '\'']).trim();
    (!title.is_empty()).then(|| title.to_owned())
}
