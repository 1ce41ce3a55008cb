//! What a search finds, and in which order.

use super::*;
use crate::domain::knowledge::Topics;
use crate::domain::vector::{Parts, Sense};
use crate::store::knowledge::Shelved;

const ME: &str = "minilm";

/// A direction of meaning; two of one axis are the same, of different axes have nothing in common.
fn vector(axis: usize) -> Vector {
    let mut numbers = vec![0.0; 384];
    numbers[axis] = 1.0;
    Vector::from(numbers)
}

fn chunk(document: u128, ordinal: i32, text: &str, axis: Option<usize>) -> Shelved {
    Shelved {
        document: Uuid::from_u128(document),
        ordinal,
        heading: String::new(),
        text: text.to_owned(),
        sense: axis.map(|axis| (vector(axis).into(), ME.to_owned())),
        title: format!("Title {document}"),
        source: None,
        url: None,
        topic: None,
        version: 1,
    }
}

fn index(documents: Vec<Vec<Shelved>>) -> Index<Shelved> {
    let documents =
        documents.into_iter().filter_map(|chunks| Document::of(chunks, false)).map(Arc::new).collect();
    Index::new(1, documents, false, 0)
}

fn query(text: &str, axis: Option<usize>, mode: Mode) -> Query<Topics> {
    let vector = axis.map(|axis| (vector(axis), ME));
    Query { text: text.to_owned(), vector, limit: 10, filter: Topics::All, mode, all: false, least: 0.0 }
}

fn texts(found: &(Vec<(Shelved, f32)>, Mode)) -> Vec<&str> {
    found.0.iter().map(|(chunk, _)| chunk.text.as_str()).collect()
}

fn desk() -> Index<Shelved> {
    index(vec![
        vec![chunk(1, 1, "Lock the card.", Some(1)), chunk(1, 2, "Order another card.", Some(2))],
        vec![chunk(2, 1, "We open at nine.", Some(3))],
    ])
}

#[test]
fn meaning_leads_and_words_help() {
    let found = desk().search(&query("stolen", Some(1), Mode::Hybrid));
    assert_eq!((texts(&found)[0], found.1), ("Lock the card.", Mode::Hybrid));
    let found = desk().search(&query("another card", Some(5), Mode::Hybrid));
    assert_eq!(texts(&found)[0], "Order another card.");
    assert_eq!(texts(&desk().search(&query("card", Some(3), Mode::Vector)))[0], "We open at nine.");
}

#[test]
fn of_two_that_mean_as_much_the_one_that_says_it_outright_is_first() {
    let near = |parts: &[usize]| {
        let parts: Vec<_> = parts.iter().map(|axis| vector(*axis)).collect();
        let whole = Vector::blend([(1.0, &vector(1)), (1.0, &vector(2))].into_iter());
        Some((Sense { whole, parts: Parts::of(&parts) }, ME.to_owned()))
    };
    let mut scattered = chunk(1, 1, "Of everything a little.", None);
    let mut outright = chunk(2, 1, "Lock it. We open at nine.", None);
    (scattered.sense, outright.sense) = (near(&[3, 4]), near(&[3, 1]));
    let index = index(vec![vec![scattered], vec![outright]]);
    let (found, _) = index.search(&query("stolen", Some(1), Mode::Vector));
    let scores: Vec<_> = found.iter().map(|(chunk, score)| (chunk.document.as_u128(), *score)).collect();
    let half = std::f32::consts::FRAC_1_SQRT_2 * (1.0 - BY_BEST_PART);
    assert_eq!(scores.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2, 1]);
    assert!(
        (scores[0].1 - half - BY_BEST_PART).abs() < 1e-3 && (scores[1].1 - half).abs() < 1e-3,
        "{scores:?}"
    );
}

#[test]
fn without_vectors_words_answer_alone() {
    for query in [
        query("card", None, Mode::Hybrid),
        query("card", None, Mode::Vector),
        query("card", Some(3), Mode::Text),
    ] {
        let found = desk().search(&query);
        assert_eq!((found.0.len(), found.1), (2, Mode::Text), "{query:?}");
    }
    assert!(desk().search(&query("nothing", None, Mode::Hybrid)).0.is_empty());
    let unembedded = index(vec![vec![chunk(1, 1, "Lock the card.", None)]]);
    assert_eq!(unembedded.search(&query("card", Some(1), Mode::Vector)).1, Mode::Text);
}

#[test]
fn a_chunk_that_waits_for_its_vector_is_found_by_its_words() {
    let some = index(vec![
        vec![chunk(1, 1, "Lock the card.", None)],
        vec![chunk(2, 1, "We open at nine.", Some(3))],
    ]);
    let found = some.search(&query("lock a card", Some(7), Mode::Hybrid));
    assert_eq!(texts(&found)[0], "Lock the card.");
    assert_eq!(texts(&some.search(&query("lock a card", Some(7), Mode::Vector))), ["We open at nine."]);
}

#[test]
fn vectors_of_another_embedder_are_not_compared() {
    let mut foreign = chunk(1, 1, "Lock the card.", Some(1));
    foreign.sense = foreign.sense.map(|(sense, _)| (sense, "other".to_owned()));
    let found = index(vec![vec![foreign]]).search(&query("nothing", Some(1), Mode::Hybrid));
    assert_eq!((found.0.len(), found.1), (0, Mode::Text));
}

#[test]
fn topics_filter_before_the_limit() {
    let mut documents: Vec<_> = (1..50).map(|id| vec![chunk(id, 1, "Lock the card.", Some(1))]).collect();
    let mut wanted = chunk(99, 1, "Limits of bankers.", Some(2));
    wanted.topic = Some("banker".to_owned());
    documents.push(vec![wanted]);
    let index = index(documents);
    let only =
        Query { limit: 3, filter: Topics::Only("banker".to_owned()), ..query("card", Some(1), Mode::Hybrid) };
    assert_eq!(texts(&index.search(&only)), ["Limits of bankers."]);
    let others =
        Query { limit: 100, filter: Topics::Quotable(Vec::new()), ..query("card", Some(1), Mode::Hybrid) };
    assert_eq!(index.search(&others).0.len(), 49);
    let all = Query { limit: 7, ..query("card", Some(1), Mode::Hybrid) };
    assert_eq!(index.search(&all).0.len(), 7, "as many as were asked for");
    assert!(index.search(&Query { limit: 0, ..all }).0.is_empty());
}

#[test]
fn scores_are_between_nothing_and_one() {
    for mode in [Mode::Hybrid, Mode::Vector, Mode::Text] {
        for cosine in [None, Some(0.0), Some(1.0)] {
            for (score, held) in [(0.0, 0.0), (1.0, 0.3), (1_000.0, 1.0)] {
                let shared = Shared { score, held };
                let score = super::score(mode, cosine, shared);
                assert!((0.0..=1.0).contains(&score), "{mode:?} {cosine:?} {shared:?}");
            }
        }
    }
}

#[test]
fn words_count_as_far_as_the_question_is_held() {
    let by = |held| score(Mode::Hybrid, Some(0.5), Shared { score: HALF, held });
    assert!((by(0.0) - BY_MEANING * 0.5).abs() < 1e-6, "the wrong words say nothing");
    assert!((by(1.0) - by(0.0) - BY_WORDS * 0.5).abs() < 1e-6);
    assert!(by(0.3) < by(0.6));
}

#[test]
fn a_slim_index_knows_words_only() {
    let slim = Document::of(vec![chunk(1, 1, "Lock the card.", Some(1))], true).unwrap();
    let slim = Index::new(1, vec![Arc::new(slim)], true, 0);
    let whole = desk();
    assert!(slim.bytes() < whole.bytes() / 2);
    assert_eq!(slim.by_words(&query("card", None, Mode::Text)).keys().next(), Some(&(Uuid::from_u128(1), 1)));
}

#[test]
fn all_that_passes_comes_where_all_is_asked_for() {
    let asked = Query { all: true, ..query("nothing", None, Mode::Hybrid) };
    let found = desk().search(&asked);
    assert_eq!((found.0.len(), found.1), (3, Mode::Text));
    let asked = Query { all: true, limit: 2, ..query("nine", Some(1), Mode::Hybrid) };
    assert_eq!(texts(&desk().search(&asked)), ["Lock the card.", "We open at nine."]);
}

#[test]
fn what_scores_too_little_is_left_out() {
    let asked = Query { all: true, least: 0.5, ..query("nothing", Some(1), Mode::Hybrid) };
    assert_eq!(texts(&desk().search(&asked)), ["Lock the card."]);
    assert!(desk().search(&Query { least: 0.9, ..asked }).0.is_empty());
}
