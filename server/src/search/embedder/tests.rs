//! Against vectors that were computed by hand: numpy, f64, a tokenizer of its own. What needs the model says so and
//! passes where it is not there.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Reference {
    text: String,
    vector: Vec<f32>,
}

/// The folder that `switchboard model fetch` fills, or none, aloud.
fn embedder() -> Option<Embedder> {
    let folder = std::env::home_dir()?.join(".cache/switchboard").join(super::super::model::FOLDER);
    if !folder.join("model.safetensors").exists() {
        eprintln!("SKIPPED: no model in {}; `switchboard model fetch` brings it", folder.display());
        return None;
    }
    Some(Embedder::load(&folder).unwrap())
}

#[test]
fn vectors_are_those_of_the_reference() {
    let Some(embedder) = embedder() else { return };
    let references: Vec<Reference> = serde_json::from_str(include_str!("reference.json")).unwrap();
    let texts: Vec<String> = references.iter().map(|reference| reference.text.clone()).collect();
    let vectors = embedder.embed_blocking(texts).unwrap();
    assert_eq!(vectors.len(), references.len());
    for (vector, reference) in vectors.iter().zip(references) {
        let cosine = vector.cosine(&reference.vector.into());
        assert!(cosine > 0.9999, "{cosine} for {}", reference.text);
    }
}

#[test]
fn a_vector_does_not_depend_on_its_batch() {
    let Some(embedder) = embedder() else { return };
    let text = "My card was declined at the till".to_owned();
    let alone = embedder.embed_blocking(vec![text.clone()]).unwrap().remove(0);
    let long = "A very long document about something else entirely. ".repeat(8);
    let texts: Vec<String> =
        (0..50).map(|at| if at == 41 { text.clone() } else { format!("{at} {long}") }).collect();
    let vectors = embedder.embed_blocking(texts).unwrap();
    assert_eq!(vectors.len(), 50);
    assert!(vectors[41].cosine(&alone) > 0.999_99);
    assert!(vectors[40].cosine(&alone) < 0.5);
}

#[test]
fn odd_texts_have_vectors_too() {
    let Some(embedder) = embedder() else { return };
    let odd =
        ["", " ", "\u{0}", "🦀🦀🦀", "漢字かな", "\u{202e}abc", &"x".repeat(100_000), &" ".repeat(100_000)];
    let vectors = embedder.embed_blocking(odd.map(str::to_owned).to_vec()).unwrap();
    for vector in vectors {
        assert!((vector.cosine(&vector) - 1.0).abs() < 1e-4);
    }
}

#[test]
fn nothing_asked_is_nothing_answered() {
    let Some(embedder) = embedder() else { return };
    assert_eq!(embedder.embed_blocking(Vec::new()).unwrap(), []);
}

/// A question passes an import that is under way, and the import is done in the end.
#[tokio::test]
async fn a_question_goes_ahead_of_bulk_work() {
    let Some(embedder) = embedder() else { return };
    let page = "The branch is open on weekdays, and on Saturdays until noon. ".repeat(20);
    let bulk = embedder.embed(vec![page; 40]);
    tokio::pin!(bulk);
    for _ in 0..3 {
        tokio::select! {
            biased;
            _ = &mut bulk => panic!("forty pages before one question"),
            vector = embedder.embed_one("When are you open?".to_owned()) => drop(vector.unwrap()),
        }
    }
    assert_eq!(bulk.await.unwrap().len(), 40);
}

/// Who goes away does not hold up the others.
#[tokio::test]
async fn work_that_nobody_waits_for_is_dropped() {
    let Some(embedder) = embedder() else { return };
    let page = "The branch is open on weekdays, and on Saturdays until noon. ".repeat(20);
    {
        let abandoned = embedder.embed(vec![page; 5_000]);
        tokio::pin!(abandoned);
        tokio::select! {
            biased;
            _ = &mut abandoned => panic!("five thousand pages before one question"),
            vector = embedder.embed_one("When are you open?".to_owned()) => drop(vector.unwrap()),
        }
    }
    assert_eq!(embedder.embed(vec!["Where are you?".to_owned()]).await.unwrap().len(), 1);
}

#[test]
fn a_folder_without_a_model_is_an_error_that_names_the_file() {
    let error = Embedder::load(Path::new("/nonexistent")).err().unwrap();
    assert_eq!(
        error.to_string(),
        "cannot read /nonexistent/tokenizer.json: No such file or directory (os error 2)"
    );
}
