//! Where presets come from: those in the program, and files.

use std::fs;
use std::io;
use std::path::Path;

use rust_embed::Embed;

use super::{Page, Preset, PresetError};

/// The presets in the program; the first is what runs when nobody says otherwise.
pub const NAMES: &[&str] = &["member_support", "insurance_navigator", "bank", "relay"];

#[derive(Embed)]
#[folder = "presets"]
#[include = "*.toml"]
#[include = "*.md"]
struct Shipped;

impl Preset {
    /// By a name of `NAMES`, or from a file with its pages in the folder of the same name beside it.
    pub fn load(name_or_file: &str) -> Result<Self, PresetError> {
        if NAMES.contains(&name_or_file) {
            return shipped(name_or_file);
        }
        let path = Path::new(name_or_file);
        if path.extension().is_none_or(|extension| extension != "toml") {
            return Err(PresetError::Unknown { name: name_or_file.to_owned(), known: NAMES.join(", ") });
        }
        from_file(path)
    }
}

fn shipped(name: &str) -> Result<Preset, PresetError> {
    let file = format!("{name}.toml");
    let read = |path: &str| {
        let file = Shipped::get(path).ok_or(io::ErrorKind::NotFound)?;
        String::from_utf8(file.data.into_owned()).map_err(|_| io::ErrorKind::InvalidData.into())
    };
    let unreadable = |path: &str, error| PresetError::Unreadable { file: path.to_owned(), error };
    let text = read(&file).map_err(|error| unreadable(&file, error))?;
    let folder = format!("{name}/");
    let mut pages = Vec::new();
    for path in Shipped::iter().filter(|path| path.starts_with(&folder)) {
        let text = read(&path).map_err(|error| unreadable(&path, error))?;
        pages.push(page(&path[folder.len()..], &path, &text)?);
    }
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    Preset::parse(name, &file, &text, pages)
}

fn from_file(path: &Path) -> Result<Preset, PresetError> {
    let unreadable = |path: &Path, error| PresetError::Unreadable { file: path.display().to_string(), error };
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let folder = path.with_extension("");
    let mut pages = Vec::new();
    for file in markdown_below(&folder).map_err(|error| unreadable(&folder, error))? {
        let text = fs::read_to_string(&file).map_err(|error| unreadable(&file, error))?;
        let inner = file.strip_prefix(&folder).unwrap_or(&file).components();
        let inner: Vec<_> = inner.map(|part| part.as_os_str().to_string_lossy()).collect();
        pages.push(page(&inner.join("/"), &file.display().to_string(), &text)?);
    }
    Preset::parse(&name, &path.display().to_string(), &text, pages)
}

/// The pages of a folder and of the folders in it, in a fixed order; none where there is no folder.
fn markdown_below(folder: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(markdown_below(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn page(inner: &str, file: &str, text: &str) -> Result<Page, PresetError> {
    Page::new(inner, text).ok_or_else(|| PresetError::Untitled { file: file.to_owned() })
}
