//! The knowledge on a real database: what is changed is seen, what is another workspace's never is.

use serde_json::json;

use super::*;
use crate::domain::clock;
use crate::domain::knowledge::{Document, Kind, Status};
use crate::domain::preset::Preset;
use crate::domain::vector::Parts;
use crate::search::chunk;
use crate::search::embedder::MINILM;
use crate::store::ground::{Ground, vector};

struct Desk {
    ground: Ground,
    knowledge: Knowledge,
    workspace: WorkspaceId,
}

impl Desk {
    async fn open() -> Self {
        let ground = Ground::open().await;
        let knowledge = Knowledge::new(ground.administration.knowledge(), Mind::default());
        let workspace = ground.add_workspace("default").await;
        Self { ground, knowledge, workspace }
    }

    fn library(&self) -> &Library {
        self.knowledge.library()
    }

    async fn put(&self, documents: &[Document]) -> Vec<Status> {
        let chunked =
            |document: &Document| (document.clone(), chunk::chunks(&document.title, &document.content));
        let documents: Vec<_> = documents.iter().map(chunked).collect();
        let states = self.library().put(self.workspace, &documents, clock::now()).await.unwrap();
        self.knowledge.changed(self.workspace);
        states
    }

    /// The titles of what is found by words.
    async fn found(&self, workspace: WorkspaceId, text: &str) -> Vec<String> {
        let (passages, mode) =
            self.knowledge.search(workspace, text, None, 10, Topics::All, Mode::Hybrid).await.unwrap();
        assert_eq!(mode, Mode::Text, "there is no model");
        passages.into_iter().map(|passage| passage.title).collect()
    }

    async fn close(self) {
        self.ground.close().await;
    }
}

fn document(id: u128, title: &str, content: &str) -> Document {
    Document {
        id: Uuid::from_u128(id),
        source: None,
        title: title.to_owned(),
        url: Some("https://bank.example".to_owned()),
        content: content.to_owned(),
        kind: Kind::Public,
        topic: id.is_multiple_of(2).then(|| "even".to_owned()),
        metadata: Some(json!({"k": [1]})),
    }
}

/// Sections that are chunks of their own.
fn sections(names: &[&str]) -> String {
    let body = "These words fill the section until it is long enough to stand by itself. ".repeat(10);
    let section = |name: &&str| format!("## {name}\n\nAbout {name}. {body}\n\n");
    names.iter().map(section).collect::<Vec<_>>().concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_found_until_it_is_deleted() {
    let desk = Desk::open().await;
    let other = desk.ground.add_workspace("shop").await;
    assert!(desk.found(desk.workspace, "card").await.is_empty(), "nothing is no trouble");
    let states =
        desk.put(&[document(1, "Cards", "Lock it in the app."), document(2, "Fees", "Ten euro.")]).await;
    assert_eq!(states, [Status::Pending, Status::Pending]);
    assert_eq!(desk.found(desk.workspace, "lock a card").await, ["Cards"]);
    assert!(desk.found(other, "lock a card").await.is_empty(), "another workspace's");
    assert!(desk.library().get(other, Uuid::from_u128(1)).await.unwrap().is_none());
    assert!(desk.library().delete(other, vec![Uuid::from_u128(1)]).await.unwrap().is_empty());

    desk.put(&[document(1, "Cards", "Unfreeze it at a branch.")]).await;
    assert!(desk.found(desk.workspace, "lock").await.is_empty());
    assert_eq!(desk.found(desk.workspace, "branches").await, ["Cards"]);
    let (listed, content) = desk.library().get(desk.workspace, Uuid::from_u128(1)).await.unwrap().unwrap();
    assert_eq!((content.as_str(), listed.chunks, listed.topic), ("Unfreeze it at a branch.", 1, None));
    assert_eq!(listed.metadata, Some(json!({"k": [1]})));
    let filter = crate::store::knowledge::Filter { topic: Some("even".to_owned()), kind: None };
    let even = desk.library().list(desk.workspace, Uuid::nil(), &filter, 10).await.unwrap();
    assert_eq!(even.iter().map(|listed| listed.id).collect::<Vec<_>>(), [Uuid::from_u128(2)]);

    let gone =
        desk.library().delete(desk.workspace, vec![Uuid::from_u128(1), Uuid::from_u128(7)]).await.unwrap();
    assert_eq!(gone.len(), 1);
    desk.knowledge.changed(desk.workspace);
    assert!(desk.found(desk.workspace, "branches").await.is_empty());
    assert_eq!(desk.found(desk.workspace, "euro").await, ["Fees"]);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_stays_keeps_its_vector() {
    let desk = Desk::open().await;
    let three = document(1, "Cards", &sections(&["Lost", "Found", "Fees"]));
    desk.put(std::slice::from_ref(&three)).await;
    let waiting = desk.library().waiting(100).await.unwrap();
    assert_eq!(waiting.len(), 3);
    let sense = |seed| Sense { whole: vector(seed), parts: Parts::of(&[vector(seed + 50)]) };
    let senses: Vec<_> = waiting.iter().enumerate().map(|(at, chunk)| (chunk, sense(at))).collect();
    desk.library().embed(desk.workspace, MINILM, &senses).await.unwrap();
    assert!(desk.library().waiting(100).await.unwrap().is_empty());
    assert_eq!(desk.put(std::slice::from_ref(&three)).await, [Status::Ready], "the same again");

    // One goes, one comes, and one moves up.
    let other = Document { content: sections(&["Found", "Abroad", "Lost"]), ..three.clone() };
    assert_eq!(desk.put(&[other]).await, [Status::Pending]);
    let waiting = desk.library().waiting(100).await.unwrap();
    assert_eq!(
        waiting.iter().map(|chunk| (chunk.ordinal, chunk.heading.as_str())).collect::<Vec<_>>(),
        [(2, "Abroad")]
    );
    let mut kept = Vec::new();
    desk.library().chunks(desk.workspace, &[three.id], true, |chunk| kept.push(chunk)).await.unwrap();
    let is = |at: usize, seed| {
        let (own, expected) = (&kept[at].sense.as_ref().unwrap().0, sense(seed));
        own.whole.cosine(&expected.whole) > 0.999 && own.parts == expected.parts
    };
    assert!(is(0, 1) && is(2, 0), "Found moved up, and Lost moved down");

    // What was changed while it was embedded is not given the old meaning.
    desk.put(&[Document { content: sections(&["Found", "At home", "Lost"]), ..three.clone() }]).await;
    desk.library().embed(desk.workspace, MINILM, &[(&waiting[0], sense(9))]).await.unwrap();
    let now = desk.library().waiting(100).await.unwrap();
    assert_eq!(now.iter().map(|chunk| chunk.heading.as_str()).collect::<Vec<_>>(), ["At home"]);
    desk.library().embed(desk.workspace, "other", &[(&now[0], sense(9))]).await.unwrap();
    assert_eq!(desk.library().pieces().count_waiting().await.unwrap(), 0);
    assert_eq!(desk.library().forget_others(desk.workspace, MINILM).await.unwrap(), 1);
    assert_eq!(desk.library().pieces().count_waiting().await.unwrap(), 1);
    let shorter = Document { content: "Little.".to_owned(), ..three };
    desk.put(&[shorter]).await;
    assert_eq!(
        desk.library().pieces().count_waiting().await.unwrap(),
        1,
        "chunks that are no more do not wait"
    );
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preset_is_stocked_once_and_gives_way_to_another() {
    let desk = Desk::open().await;
    let page = |path: &str, text: &str| crate::domain::preset::Page::new(path, text).unwrap();
    let preset = |name: &str, pages| {
        let mut preset =
            Preset::parse(name, "test.toml", "title = \"Desk\"\nai = false\n", Vec::new()).unwrap();
        preset.pages = pages;
        preset
    };
    let bank = |text: &str| {
        preset("bank", vec![page("cards.md", "# Cards\n\nLock it."), page("banker/fees.md", text)])
    };
    let stocked = stock(&desk.knowledge, &bank("# Fees\n\nTen euro.")).await.unwrap();
    assert_eq!((stocked.stored, stocked.deleted), (2, 0));
    assert_eq!(
        stock(&desk.knowledge, &bank("# Fees\n\nTen euro.")).await.unwrap(),
        stock::Stocked::default()
    );
    let stocked = stock(&desk.knowledge, &bank("# Fees\n\nNine euro.")).await.unwrap();
    assert_eq!((stocked.stored, stocked.deleted), (1, 0));
    let found =
        desk.knowledge.passages(desk.workspace, "euro", None, 5, Some(&["banker".to_owned()])).await.unwrap();
    assert_eq!(found[0].source, "preset:bank/banker/fees.md");
    assert!(found[0].text.contains("Nine"));
    assert!(desk.knowledge.passages(desk.workspace, "euro", None, 5, Some(&[])).await.unwrap().is_empty());
    desk.put(&[document(1, "Own", "Ours stays.")]).await;
    let stocked = stock(&desk.knowledge, &preset("relay", Vec::new())).await.unwrap();
    assert_eq!((stocked.stored, stocked.deleted), (0, 2));
    assert_eq!(desk.found(desk.workspace, "ours euro").await, ["Own"]);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_of_the_database_finds_what_a_pass_over_all_finds() {
    let desk = Desk::open().await;
    let documents: Vec<_> = (1..=120_u128)
        .map(|id| {
            document(id, &format!("Page {id}"), &format!("Text of number {id}, with word{} in it.", id % 7))
        })
        .collect();
    desk.put(&documents).await;
    let waiting = desk.library().waiting(1_000).await.unwrap();
    for part in waiting.chunks(32) {
        let sense = |chunk: &Waiting| {
            let seed: usize = chunk.document.as_u128().try_into().unwrap();
            Sense { whole: vector(seed), parts: Parts::of(&[vector(seed % 11), vector(seed % 9)]) }
        };
        let senses: Vec<_> = part.iter().map(|chunk| (chunk, sense(chunk))).collect();
        desk.library().embed(desk.workspace, MINILM, &senses).await.unwrap();
    }
    assert!(
        desk.library().pieces().is_indexed(desk.workspace).await.unwrap(),
        "the embedded database has pgvector"
    );
    let shelves = |large| Shelves::new(desk.library().clone(), Mind::default(), large);
    let (whole, large) = (shelves(LARGE), shelves(50));
    let (small, slim) =
        (whole.index(desk.workspace).await.unwrap(), large.index(desk.workspace).await.unwrap());
    assert!(!small.is_slim && slim.is_slim && slim.pieces() == 120);
    for (limit, topics) in
        [(5, Topics::All), (60, Topics::Only("even".to_owned())), (60, Topics::Quotable(Vec::new()))]
    {
        for mode in [Mode::Hybrid, Mode::Vector, Mode::Text] {
            let query = Query {
                text: "word3 number 17".to_owned(),
                vector: Some((vector(17), MINILM)),
                limit,
                filter: topics.clone(),
                mode,
                all: false,
                least: 0.0,
            };
            let here = small.search(&query);
            let there = large.search_large(desk.workspace, &slim, &query).await.unwrap();
            let ids = |found: &(Vec<(Shelved, f32)>, Mode)| {
                found.0.iter().map(|(chunk, _)| chunk.document).collect::<Vec<_>>()
            };
            assert_eq!((ids(&here), here.1), (ids(&there), there.1), "{mode:?} {topics:?}");
            assert!(
                mode == Mode::Text || here.0.len() == limit,
                "{} of {limit}: {mode:?} {topics:?}",
                here.0.len()
            );
        }
    }
    // The limit is reached although the index is walked past what the filter leaves out.
    let places = desk
        .library()
        .nearest(desk.workspace, &vector(18), &Topics::Only("even".to_owned()), 60)
        .await
        .unwrap();
    assert_eq!(places.len(), 60);
    desk.close().await;
}

#[test]
fn a_passage_stands_under_its_headings_and_names_no_folder() {
    let mut found = Shelved {
        document: Uuid::from_u128(1),
        ordinal: 1,
        heading: String::new(),
        text: "Lock it.".to_owned(),
        sense: None,
        title: "Cards".to_owned(),
        source: None,
        url: None,
        topic: None,
        version: 1,
    };
    found.heading = "Lost › Abroad".to_owned();
    found.source = Some("/srv/secret place/cards.md".to_owned());
    let quoted = passage(found.clone(), 0.5);
    assert_eq!((quoted.text.as_str(), quoted.source.as_str()), ("## Lost › Abroad\n\nLock it.", "cards.md"));
    let preset = Shelved { source: Some("preset:bank/banker/a.md".to_owned()), ..found };
    assert_eq!(passage(preset, 0.5).source, "preset:bank/banker/a.md");
}
