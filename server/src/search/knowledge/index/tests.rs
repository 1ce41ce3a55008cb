//! What a search finds, and in which order.

use super::*;

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
        vector: axis.map(|axis| (vector(axis), ME.to_owned())),
        title: format!("Title {document}"),
        source: None,
        url: None,
        topic: None,
        version: 1,
    }
}

fn index(documents: Vec<Vec<Shelved>>) -> Index {
    let documents =
        documents.into_iter().filter_map(|chunks| Document::of(chunks, false)).map(Arc::new).collect();
    Index::new(1, documents, false)
}

fn query(text: &str, axis: Option<usize>, mode: Mode) -> Query {
    let vector = axis.map(|axis| (vector(axis), ME));
    Query { text: text.to_owned(), vector, limit: 10, topics: Topics::All, mode }
}

fn texts(found: &(Vec<Passage>, Mode)) -> Vec<&str> {
    found.0.iter().map(|passage| passage.text.as_str()).collect()
}

fn desk() -> Index {
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
    foreign.vector = foreign.vector.map(|(vector, _)| (vector, "other".to_owned()));
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
        Query { limit: 3, topics: Topics::Only("banker".to_owned()), ..query("card", Some(1), Mode::Hybrid) };
    assert_eq!(texts(&index.search(&only)), ["Limits of bankers."]);
    let others =
        Query { limit: 100, topics: Topics::Quotable(Vec::new()), ..query("card", Some(1), Mode::Hybrid) };
    assert_eq!(index.search(&others).0.len(), 49);
    let all = Query { limit: 7, ..query("card", Some(1), Mode::Hybrid) };
    assert_eq!(index.search(&all).0.len(), 7, "as many as were asked for");
    assert!(index.search(&Query { limit: 0, ..all }).0.is_empty());
}

#[test]
fn scores_are_between_nothing_and_one() {
    for mode in [Mode::Hybrid, Mode::Vector, Mode::Text] {
        for cosine in [None, Some(0.0), Some(1.0)] {
            for words in [0.0, 1.0, 1_000.0] {
                assert!((0.0..=1.0).contains(&score(mode, cosine, words)), "{mode:?} {cosine:?} {words}");
            }
        }
    }
}

#[test]
fn a_passage_stands_under_its_headings_and_names_no_folder() {
    let mut found = chunk(1, 1, "Lock it.", None);
    found.heading = "Lost › Abroad".to_owned();
    found.source = Some("/srv/secret place/cards.md".to_owned());
    let quoted = passage(found, 0.5);
    assert_eq!((quoted.text.as_str(), quoted.source.as_str()), ("## Lost › Abroad\n\nLock it.", "cards.md"));
    let preset = Shelved { source: Some("preset:bank/banker/a.md".to_owned()), ..chunk(1, 1, "x", None) };
    assert_eq!(passage(preset, 0.5).source, "preset:bank/banker/a.md");
}

#[test]
fn a_slim_index_knows_words_only() {
    let slim = Document::of(vec![chunk(1, 1, "Lock the card.", Some(1))], true).unwrap();
    let slim = Index::new(1, vec![Arc::new(slim)], true);
    let whole = desk();
    assert!(slim.bytes() < whole.bytes() / 2);
    assert_eq!(slim.by_words(&query("card", None, Mode::Text)).keys().next(), Some(&(Uuid::from_u128(1), 1)));
}
