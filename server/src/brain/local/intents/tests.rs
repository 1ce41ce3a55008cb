//! A small desk without a model, and made-up vectors where vectors matter.

use super::*;

const DESK: &[(&str, &str)] = &[
    ("Where is my card?", "card_arrival"),
    ("My new card has not arrived yet", "card_arrival"),
    ("How long does a card take to be delivered?", "card_arrival"),
    ("Has my card been sent out?", "card_arrival"),
    ("I forgot my password", "password_reset"),
    ("How can I change my password?", "password_reset"),
    ("I cannot log in, the password is refused", "password_reset"),
    ("Reset my password please", "password_reset"),
    ("I want to talk to a person", "human"),
    ("Can somebody call me?", "human"),
    ("Give me a human agent", "human"),
    ("Let me speak with your staff", "human"),
    ("When are you open?", "opening_hours"),
    ("What are your opening hours on Saturday?", "opening_hours"),
    ("Is the branch open today?", "opening_hours"),
    ("Until when is the branch open?", "opening_hours"),
];

fn examples() -> Vec<Example<'static>> {
    DESK.iter().map(|(text, label)| Example { text, label, vector: None }).collect()
}

#[test]
fn a_small_desk_is_understood() {
    let head = IntentHead::train(&examples()).unwrap();
    assert_eq!(head.labels(), ["card_arrival", "human", "opening_hours", "password_reset"]);
    assert!(!head.wants_vectors());
    for (text, label) in [
        ("when will my card arrive", "card_arrival"),
        ("pasword forgoten", "password_reset"),
        ("I need a person to speak with", "human"),
        ("are you open on saturday", "opening_hours"),
    ] {
        let ranked = head.classify(text, None);
        assert_eq!(ranked.label, label, "{text}: {ranked:?}");
        assert!((0.0..=1.0).contains(&ranked.probability) && ranked.margin > 0.0 && ranked.second != label);
    }
}

#[test]
fn something_else_is_less_probable_than_any_example() {
    let head = IntentHead::train(&examples()).unwrap();
    let least = DESK.iter().map(|(text, _)| head.classify(text, None).probability).fold(1.0, f32::min);
    for text in ["Tell me a joke about penguins", "What is the capital of France?", "", "🦀", "zzzz qqqq"] {
        let ranked = head.classify(text, None);
        assert!(ranked.probability < least, "{text}: {ranked:?}, {least}");
    }
}

#[test]
fn training_is_deterministic() {
    let head = IntentHead::train(&examples()).unwrap();
    assert_eq!(head, IntentHead::train(&examples()).unwrap());
}

/// Texts that share no word are told apart by their vectors; without one the head still answers.
#[test]
fn vectors_speak_where_words_do_not() {
    let toward = |x: f32| Vector::from(vec![x, (1.0 - x * x).sqrt()]);
    let (left, right) = (toward(0.95), toward(-0.95));
    let texts: Vec<String> = (0..12).map(|at| format!("w{at}q x{at}y")).collect();
    let examples: Vec<Example<'_>> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| Example {
            text,
            label: if at % 2 == 0 { "left" } else { "right" },
            vector: Some(if at % 2 == 0 { &left } else { &right }),
        })
        .collect();
    let head = IntentHead::train(&examples).unwrap();
    assert!(head.wants_vectors());
    assert_eq!(head.classify("never seen", Some(&toward(0.9))).label, "left");
    assert_eq!(head.classify("never seen", Some(&toward(-0.9))).label, "right");
    let sure = head.classify("never seen", Some(&toward(-0.9))).probability;
    assert!(head.classify("never seen", None).probability < sure);
    assert!(
        head.classify("never seen", Some(&vec![1.0; 7].into())).probability < sure,
        "a vector of another width"
    );
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let one = [Example { text: "a", label: "a", vector: None }];
    assert_eq!(IntentHead::train(&one), Err(TrainError::TooFewLabels));
    assert_eq!(IntentHead::train(&[]), Err(TrainError::TooFewLabels));
    let vector = Vector::from(vec![1.0]);
    let mixed = [one[0], Example { text: "b", label: "b", vector: Some(&vector) }];
    assert_eq!(IntentHead::train(&mixed), Err(TrainError::Vectors(1)));
}

#[test]
fn two_empty_examples_are_enough_not_to_fail() {
    let head = IntentHead::train(&[
        Example { text: "", label: "a", vector: None },
        Example { text: "", label: "b", vector: None },
    ])
    .unwrap();
    assert!(head.classify("anything", None).probability.is_finite());
}

#[test]
fn labels_are_read_as_words() {
    for (label, words) in [
        ("card_arrival", Some("card arrival")),
        ("CardArrival", Some("card arrival")),
        ("lost-or-stolen card", Some("lost or stolen card")),
        ("Refund_not_showing_up", Some("refund not showing up")),
        ("17", None),
        ("c3", None),
        ("__", None),
    ] {
        assert_eq!(spoken(label).as_deref(), words, "{label}");
    }
}

#[test]
fn a_head_survives_the_disk_and_a_torn_file_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("heads");
    let head = IntentHead::train(&examples()).unwrap();
    let key = Key::of(&examples(), None);
    assert_eq!(load(&folder, &key), None);
    store(&folder, &key, &head).unwrap();
    assert_eq!(load(&folder, &key), Some(head));

    assert_eq!(load(&folder, &Key::of(&examples(), Some("minilm"))), None, "another embedder");
    assert_eq!(load(&folder, &Key::of(&examples()[1..], None)), None, "other examples");

    let path = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() / 2);
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(load(&folder, &key), None);
}
