//! The files of a folder that an import can read.

use std::path::{Path, PathBuf};

#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<PathBuf>,
    /// Files of other kinds.
    pub(super) passed_over: usize,
}

/// The files of a folder and of those in it, in a fixed order. What is hidden is passed over, and so is a link to a folder,
/// which may lead back.
pub(super) async fn files(folder: PathBuf, wanted: fn(&Path) -> bool) -> std::io::Result<Found> {
    let walk = move || {
        let mut found = Found::default();
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                let path = entry.path();
                if entry.file_name().as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if path.is_file() && wanted(&path) {
                    found.files.push(path);
                } else {
                    found.passed_over += 1;
                }
            }
        }
        found.files.sort();
        Ok(found)
    };
    tokio::task::spawn_blocking(walk).await.map_err(std::io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_walked_in_order_without_what_is_hidden() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["b.md", "a/c.HTML", "a/d.txt", ".git/e.md", "a/.f.md", "g.png", "h"] {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), "text").unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("a/again")).unwrap();
        let wanted = |path: &Path| path.extension().is_some_and(|kind| kind != "png");
        let found = files(root.to_owned(), wanted).await.unwrap();
        let names: Vec<_> =
            found.files.iter().map(|file| file.strip_prefix(root).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a/c.HTML", "a/d.txt", "b.md"]);
        assert_eq!(found.passed_over, 3);
    }
}
