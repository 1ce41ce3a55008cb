//! The memory on a real database: as many as were asked for, of one workspace alone, whatever the filter.

use serde_json::json;

use super::*;
use crate::domain::clock;
use crate::domain::memory::{Item, Outcome, Trace};
use crate::domain::mint;
use crate::search::embedder::MINILM;
use crate::store::ground::{Ground, vector};
use crate::store::memory::Added;

const DOMAINS: [&str; 3] = ["cards", "fees", "loans"];

/// The item of a number: what it is follows from it.
fn item(number: usize) -> Item {
    let tags = [2, 3, 5].into_iter().filter(|part| number.is_multiple_of(*part));
    Item {
        id: mint::id(),
        title: format!("Title {number}"),
        description: format!("When it is about word{}.", number % 11),
        content: format!("What was learned of number {number}."),
        error_context: number.is_multiple_of(7).then(|| json!({"at": number})),
        tags: tags.map(|part| format!("by{part}")).collect(),
        domain: (!number.is_multiple_of(4)).then(|| DOMAINS[number % 3].to_owned()),
        purpose: None,
        // Some wait for theirs.
        vector: (!number.is_multiple_of(13)).then(|| (vector(number), MINILM.to_owned())),
    }
}

fn trace(items: Vec<Item>) -> Trace {
    Trace {
        id: mint::id(),
        task: "Answer a question".to_owned(),
        trajectory: vec![json!({"step": "retrieve"}), json!(7)],
        outcome: Outcome::Success,
        items,
        metadata: Some(json!({"source": "test"})),
        created_at: clock::now(),
    }
}

fn query(text: &str, seed: usize, limit: usize, filter: &Filter, least: f32) -> Query<Filter> {
    Query {
        text: text.to_owned(),
        vector: Some((vector(seed), MINILM)),
        limit,
        filter: filter.clone(),
        mode: Mode::Hybrid,
        all: true,
        least,
    }
}

fn filters() -> Vec<Filter> {
    let all = Filter::default();
    vec![
        all.clone(),
        Filter { errors: false, ..all.clone() },
        Filter { domain: Some("fees".to_owned()), ..all.clone() },
        Filter { tags: vec!["by5".to_owned(), "by3".to_owned()], ..all.clone() },
        Filter {
            domain: Some("loans".to_owned()),
            tags: vec!["by5".to_owned()],
            errors: false,
            ..all.clone()
        },
        Filter { domain: Some("nothing".to_owned()), ..all.clone() },
        Filter { quotable: false, ..all },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_workspace_gets_as_many_as_match_and_none_of_anothers() {
    let ground = Ground::open().await;
    let archive = ground.administration.memory();
    // One that the database searches, with the others: what is large is so from ten items on.
    let small = Shelves::new(archive.clone(), Mind::default(), LARGE);
    let large = Shelves::new(archive.clone(), Mind::default(), 10);
    let mut numbers = 1..;
    let mut desks = Vec::new();
    for (at, size) in [1, 3, 9, 30, 150, 700].into_iter().enumerate() {
        let workspace = ground.add_workspace(&format!("desk-{at}")).await;
        let items: Vec<Item> = numbers.by_ref().take(size).map(item).collect();
        let traces: Vec<Trace> = items.chunks(7).map(|items| trace(items.to_vec())).collect();
        let added = archive.add(workspace, &traces).await.unwrap();
        assert!(added.iter().all(|added| !added.duplicate));
        desks.push((workspace, items));
    }
    for (workspace, items) in &desks {
        assert!(archive.pieces().is_indexed(*workspace).await.unwrap(), "the embedded database has pgvector");
        for filter in filters() {
            let passing: Vec<&Item> = items
                .iter()
                .filter(|it| filter.passes(it.error_context.is_some(), it.domain.as_deref(), &it.tags, None))
                .collect();
            for (limit, seed) in [(1, 5), (10, 17), (100, 400)] {
                let asked = query("number word3", seed, limit, &filter, 0.0);
                let (here, _) = small.search(*workspace, asked.clone()).await.unwrap();
                let (there, _) = large.search(*workspace, asked).await.unwrap();
                let ids = |found: &[(Kept, f32)]| found.iter().map(|(it, _)| it.item.id).collect::<Vec<_>>();
                assert_eq!(here.len(), limit.min(passing.len()), "{} {limit} {filter:?}", items.len());
                assert!(ids(&here).iter().all(|id| passing.iter().any(|it| it.id == *id)), "none is foreign");
                assert!(here.is_sorted_by(|a, b| a.1 >= b.1));
                assert_eq!(ids(&there).len(), here.len(), "{} {limit} {filter:?}", items.len());
                let known: std::collections::HashSet<_> = ids(&here).into_iter().collect();
                let same = ids(&there).into_iter().filter(|id| known.contains(id)).count();
                assert!(same * 100 >= here.len() * 99, "{same} of {}: {limit} {filter:?}", here.len());
            }
        }
        let (all, _) =
            small.search(*workspace, query("word3", 5, 1_000, &Filter::default(), 0.0)).await.unwrap();
        let least = all[all.len() / 3].1;
        let (best, _) =
            small.search(*workspace, query("word3", 5, 1_000, &Filter::default(), least)).await.unwrap();
        assert_eq!(best.len(), all.iter().filter(|(_, score)| *score >= least).count());
    }
    ground.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_comes_and_goes_with_its_items_and_nothing_else() {
    let ground = Ground::open().await;
    let archive = ground.administration.memory();
    let (own, other) = (ground.add_workspace("own").await, ground.add_workspace("other").await);
    let first = trace(vec![item(13), item(26), item(7)]);
    let second = trace(vec![item(3)]);
    let add = async |workspace, one: &Trace| {
        archive.add(workspace, std::slice::from_ref(one)).await.map(|added| added[0].clone())
    };
    let ids: Vec<Uuid> = first.items.iter().map(|item| item.id).collect();
    let expected = Added { trace: first.id, items: ids.clone(), duplicate: false };
    assert_eq!(add(own, &first).await.unwrap(), expected);
    let changed = Trace { task: "Another".to_owned(), items: vec![item(1)], ..first.clone() };
    assert_eq!(add(own, &changed).await.unwrap(), Added { duplicate: true, ..expected.clone() });
    assert_eq!(
        archive.get(own, first.id).await.unwrap().unwrap().trace.task,
        first.task,
        "it stays as it was"
    );
    // Nobody's id is taken by another workspace.
    assert_eq!(add(other, &first).await.unwrap(), expected);
    add(own, &second).await.unwrap();

    // A trace whose item is another's is not stored, nor is a part of it.
    let torn = Trace { id: mint::id(), ..trace(vec![item(5), Item { id: ids[0], ..item(6) }]) };
    assert!(add(own, &torn).await.is_err());
    assert!(archive.get(own, torn.id).await.unwrap().is_none());

    let waiting = archive.waiting(100).await.unwrap();
    let of_first = waiting.iter().filter(|it| it.workspace == own && it.trace == first.id);
    assert_eq!(of_first.map(|it| it.ordinal).collect::<Vec<_>>(), [1, 2, 0], "two items and the task");
    let counts = archive.counts(own).await.unwrap();
    assert_eq!((counts.items, counts.waiting), (4, 2));
    assert_eq!(counts.outcomes, [(Outcome::Success, 2)]);
    let domains: Vec<_> = counts.domains.iter().map(|(name, total)| (name.as_str(), *total)).collect();
    assert_eq!(domains, [("fees", 2), ("cards", 1), ("loans", 1)]);

    let vectors: Vec<_> =
        waiting.iter().filter(|it| it.workspace == own).map(|it| (it, vector(1).into())).collect();
    archive.embed(own, MINILM, &vectors).await.unwrap();
    assert!(archive.waiting(100).await.unwrap().iter().all(|it| it.workspace == other));
    assert_eq!(archive.forget_others(own, MINILM).await.unwrap(), 0);
    assert_eq!(archive.forget_others(own, "other").await.unwrap(), 4);

    assert!(!archive.delete(other, second.id, "test").await.unwrap(), "another workspace's is not found");
    assert!(archive.delete(own, first.id, "test").await.unwrap());
    assert!(!archive.delete(own, first.id, "test").await.unwrap());
    assert!(archive.get(own, first.id).await.unwrap().is_none());
    assert!(archive.get(other, first.id).await.unwrap().is_some());
    assert_eq!(archive.get(own, second.id).await.unwrap().unwrap().trace.items.len(), 1);
    let counts = archive.counts(own).await.unwrap();
    assert_eq!((counts.items, counts.outcomes), (1, vec![(Outcome::Success, 1)]));
    ground.close().await;
}
