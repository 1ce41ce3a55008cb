//! Reads the tables of a file field by field. Reading goes on after a fault, with a stand-in, so that one look finds
//! them all.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::text::{Placeholder, Text};
use super::{Fault, Site};

/// What `build` makes of the file, if nothing was wrong with it: a value with a fault in it goes no further.
pub(super) fn read<T>(text: &str, build: impl FnOnce(&Reader<'_>) -> T) -> Result<T, Vec<Fault>> {
    let (root, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        let fault = |error: toml::de::Error| {
            let at = error.span().unwrap_or_default().start;
            Fault::at(text, at, format!("this is not TOML: {}", error.message()), String::new())
        };
        let mut faults = in_order(syntax.into_iter().map(fault).collect());
        // What follows on the same line is mostly the first one's echo.
        faults.dedup_by_key(|fault| fault.line);
        return Err(faults);
    }
    let faults = Faults { text, found: RefCell::default() };
    let value = build(&Reader::new(&faults, String::new(), root.get_ref(), root.span()));
    let found = faults.found.into_inner();
    if found.is_empty() { Ok(value) } else { Err(in_order(found)) }
}

fn in_order(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults.dedup();
    faults
}

/// All that was found wrong in one file.
struct Faults<'a> {
    text: &'a str,
    found: RefCell<Vec<Fault>>,
}

/// One table of the file, and what was asked of it so far: `finish` refuses the rest.
pub(super) struct Reader<'a> {
    faults: &'a Faults<'a>,
    /// Which table it is, as a fault says it; nothing for the whole file.
    place: String,
    table: &'a DeTable<'a>,
    site: Site,
    asked: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Reader<'a> {
    fn new(faults: &'a Faults<'a>, place: String, table: &'a DeTable<'a>, site: Site) -> Self {
        Self { faults, place, table, site, asked: RefCell::default() }
    }

    pub fn fault(&self, site: &Site, what: &str, mend: &str) {
        let what = if self.place.is_empty() { what.to_owned() } else { format!("in {}, {what}", self.place) };
        let fault = Fault::at(self.faults.text, site.start, what, mend.to_owned());
        self.faults.found.borrow_mut().push(fault);
    }

    pub fn missing(&self, key: &'static str, takes: &str) {
        self.asked.borrow_mut().insert(key);
        self.fault(&self.site, &format!("there is no `{key}`"), &format!("give {takes}"));
    }

    pub fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// Where the value of `key` stands; where the table begins, if there is none.
    pub fn site(&self, key: &'static str) -> Site {
        self.get(key).map_or_else(|| self.site.clone(), Spanned::span)
    }

    fn get(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.borrow_mut().insert(key);
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// The value as `read` understands it; a fault where it does not.
    fn read<T>(
        &self,
        key: &'static str,
        takes: &str,
        read: impl Fn(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let found = read(value.get_ref());
        if found.is_none() {
            self.fault(
                &value.span(),
                &format!("`{key}` is {}", shown(value.get_ref())),
                &format!("it takes {takes}"),
            );
        }
        found
    }

    pub fn text(&self, key: &'static str) -> Option<String> {
        self.read(key, "a text that is not empty", |value| {
            let text = value.as_str()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        })
    }

    /// An empty text where there is none; that is a fault, so nobody ever sees it.
    pub fn required_text(&self, key: &'static str, takes: &str) -> String {
        if !self.has(key) {
            self.missing(key, takes);
        }
        self.text(key).unwrap_or_default()
    }

    pub fn flag(&self, key: &'static str) -> Option<bool> {
        self.read(key, "true or false", DeValue::as_bool)
    }

    pub fn fraction(&self, key: &'static str, default: f64) -> f64 {
        self.read(key, "a number from 0 to 1", |value| {
            let number: f64 = match value {
                DeValue::Float(float) => float.as_str().parse().ok()?,
                DeValue::Integer(integer) => integer.as_str().parse().ok()?,
                _ => return None,
            };
            (0.0..=1.0).contains(&number).then_some(number)
        })
        .unwrap_or(default)
    }

    pub fn count(&self, key: &'static str, default: usize, least: usize, most: usize) -> usize {
        self.read(key, &format!("a whole number from {least} to {most}"), |value| {
            let number = value.as_integer().filter(|integer| integer.radix() == 10)?.as_str().parse().ok()?;
            (least..=most).contains(&number).then_some(number)
        })
        .unwrap_or(default)
    }

    pub fn array(&self, key: &'static str, takes: &str) -> Option<&'a [Spanned<DeValue<'a>>]> {
        self.read(key, takes, |value| value.as_array().map(AsRef::as_ref))
    }

    pub fn texts(&self, key: &'static str) -> Option<Vec<Spanned<String>>> {
        let items = self.array(key, "a list of texts")?;
        let text = |item: &Spanned<DeValue<'_>>| {
            let text = item.get_ref().as_str().map(str::trim).filter(|text| !text.is_empty());
            if text.is_none() {
                let what = format!("`{key}` holds {}", shown(item.get_ref()));
                self.fault(&item.span(), &what, "it takes texts that are not empty");
            }
            text.map(|text| Spanned::new(item.span(), text.to_owned()))
        };
        Some(items.iter().filter_map(text).collect())
    }

    /// A name of small letters, and where it stands. Without one, a name that no check takes for a real one.
    pub fn name(&self, key: &'static str) -> (String, Site) {
        if !self.has(key) {
            self.missing(key, NAME);
        }
        let name =
            self.read(key, NAME, |value| value.as_str().filter(|name| is_name(name)).map(str::to_owned));
        (name.unwrap_or_default(), self.site(key))
    }

    pub fn names(&self, key: &'static str) -> Option<Vec<String>> {
        let name = |name: Spanned<String>| {
            if !is_name(name.get_ref()) {
                self.fault(
                    &name.span(),
                    &format!("`{key}` holds {:?}", name.get_ref()),
                    &format!("it takes {NAME}"),
                );
            }
            name.into_inner()
        };
        Some(self.texts(key)?.into_iter().map(name).collect())
    }

    pub fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let chosen = self.one_of(key, &names, "")?;
        choices.iter().find(|(name, _)| *name == chosen).map(|(_, choice)| *choice)
    }

    pub fn one_of(&self, key: &'static str, names: &[&str], what: &str) -> Option<String> {
        let value = self.get(key)?;
        let text = self.read(key, &listed(names, "or"), |value| value.as_str().map(str::to_owned))?;
        self.known(key, &Spanned::new(value.span(), text), names, what)
    }

    /// `given` if it is one of `names`, which are `what`; else a fault that suggests one.
    pub fn known(&self, key: &str, given: &Spanned<String>, names: &[&str], what: &str) -> Option<String> {
        let text = given.get_ref();
        if names.contains(&text.as_str()) {
            return Some(text.clone());
        }
        let mut mend = if what.is_empty() { String::from("it takes ") } else { format!("it takes {what}: ") };
        mend.push_str(&listed(names, "or"));
        suggest(&mut mend, text, names);
        self.fault(&given.span(), &format!("`{key}` is {text:?}"), &mend);
        None
    }

    pub fn template(&self, key: &'static str, allowed: &[Placeholder]) -> Option<Text> {
        let text = self.text(key)?;
        match Text::parse(&text, allowed) {
            Ok(template) => Some(template),
            Err((what, mend)) => {
                self.fault(&self.site(key), &format!("`{key}` {what}"), &mend);
                None
            }
        }
    }

    pub fn table(&self, key: &'static str) -> Option<Reader<'a>> {
        let value = self.get(key)?;
        let table = self.read(key, &format!("a table, `[{key}]`"), DeValue::as_table)?;
        let place = match self.place.strip_prefix("`[").and_then(|place| place.strip_suffix("]`")) {
            Some(outer) => format!("`[{outer}.{key}]`"),
            None => format!("`[{key}]`"),
        };
        Some(Reader::new(self.faults, place, table, value.span()))
    }

    /// The tables of a list, each called `noun` and by its name.
    pub fn tables(&self, key: &'static str, noun: &str) -> Vec<Reader<'a>> {
        let takes = format!("a list of tables, each under a line `[[{key}]]`");
        let Some(items) = self.array(key, &takes) else { return Vec::new() };
        let reader = |(index, item): (usize, &'a Spanned<DeValue<'a>>)| {
            let Some(table) = item.get_ref().as_table() else {
                self.fault(
                    &item.span(),
                    &format!("`{key}` holds {}", shown(item.get_ref())),
                    &format!("it takes {takes}"),
                );
                return None;
            };
            let name = table.iter().find(|(name, _)| name.get_ref() == "name");
            let place = match name.and_then(|(_, name)| name.get_ref().as_str()) {
                Some(name) => format!("{noun} `{name}`"),
                None => format!("{noun} number {}", index + 1),
            };
            Some(Reader::new(self.faults, place, table, item.span()))
        };
        items.iter().enumerate().filter_map(reader).collect()
    }

    /// Refuses every key that nothing asked for.
    pub fn finish(&self) {
        let asked = self.asked.borrow();
        let known: Vec<&str> = asked.iter().copied().collect();
        for (key, name) in self.unasked() {
            let mut mend = String::new();
            suggest(&mut mend, name, &known);
            if mend.is_empty() {
                let _ = write!(mend, "it takes {}", listed(&known, "and"));
            }
            self.fault(&key, &format!("there is no field `{name}`"), mend.trim_start_matches("; "));
        }
    }

    /// The same, where what is missing is the use and not the field.
    pub fn finish_with(&self, why: &str) {
        for (key, name) in self.unasked() {
            self.fault(&key, &format!("`{name}` is of no use"), why);
        }
    }

    fn unasked(&self) -> Vec<(Site, &'a str)> {
        let asked = self.asked.borrow();
        let keys = self.table.keys().filter(|key| !asked.contains(key.get_ref().as_ref()));
        keys.map(|key| (key.span(), key.get_ref().as_ref())).collect()
    }
}

const NAME: &str = "a name of small letters, digits and _, like `lost_card`";

pub(super) fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// "; did you mean `x`?", where something is near enough.
pub(super) fn suggest(mend: &mut String, given: &str, names: &[&str]) {
    let near = |name: &&str| strsim::normalized_damerau_levenshtein(given, name);
    let best = names.iter().max_by(|a, b| near(a).total_cmp(&near(b)));
    if let Some(best) = best.filter(|best| near(best) >= 0.6) {
        let _ = write!(mend, "; did you mean `{best}`?");
    }
}

pub(super) fn listed(names: &[&str], joint: &str) -> String {
    match names {
        [] => "none, as there is none".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} {joint} {last}", most.join(", ")),
    }
}

/// A value as a fault repeats it: short.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.trim().is_empty() => "an empty text".to_owned(),
        DeValue::String(text) if text.chars().count() > 40 => {
            format!("\"{}…\"", text.chars().take(40).collect::<String>().escape_debug())
        }
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
