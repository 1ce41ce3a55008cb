//! A page of the knowledge that comes with a desk.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Beneath the desk's folder, with `/`: `cards.md`, `banker/limits.md`. It identifies the page.
    pub path: String,
    /// The folder beneath the desk's own, where it is in one: only modes that name it quote from it.
    pub topic: Option<String>,
    /// Of its first heading.
    pub title: String,
    pub text: String,
}

impl Page {
    /// Nothing where the text has no heading: a page that cannot be cited by a title is not one.
    pub fn new(path: &str, text: &str) -> Option<Self> {
        let title = text.lines().find_map(|line| line.strip_prefix("# "))?.trim();
        (!title.is_empty()).then(|| Self {
            path: path.to_owned(),
            topic: path.split_once('/').map(|(folder, _)| folder.to_owned()),
            title: title.to_owned(),
            text: text.to_owned(),
        })
    }
}
