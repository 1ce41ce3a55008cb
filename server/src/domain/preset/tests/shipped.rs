//! The desks that come with the program are whole.

use std::collections::BTreeSet;

use super::super::{Category, Kind, Mode, NAMES, Preset};

fn shipped() -> Vec<Preset> {
    NAMES.iter().map(|name| Preset::load(name).unwrap_or_else(|error| panic!("{error}"))).collect()
}

fn with_ai() -> impl Iterator<Item = Preset> {
    shipped().into_iter().filter(|preset| preset.ai)
}

#[test]
fn each_is_right_and_is_named_as_its_file() {
    for (preset, name) in shipped().iter().zip(NAMES) {
        assert_eq!(preset.name, *name);
        assert!(preset.greeting_in(Mode::Customer).is_some(), "{name}");
        assert_eq!(preset.ai, *name != "relay");
    }
}

#[test]
fn each_has_the_three_agents_and_all_categories() {
    for preset in with_ai() {
        let agents: Vec<_> = preset.agents.iter().map(|agent| agent.name.as_str()).collect();
        assert_eq!(agents, ["chat_communicator", "navigator", "strategist"], "{}", preset.name);
        for desk in &preset.modes {
            for (_, category) in Category::ALL {
                assert!(preset.intents_in(desk.mode).any(|intent| intent.category == *category));
            }
            for (_, kind) in Kind::ALL {
                assert!(preset.intents_in(desk.mode).any(|intent| intent.kind == *kind));
            }
        }
    }
}

#[test]
fn each_intent_has_examples_enough() {
    for preset in with_ai() {
        for intent in &preset.intents {
            let count = intent.examples.len();
            assert!(count >= 12, "{}: {} has {count}", preset.name, intent.name);
            let small_talk = intent.kind != Kind::Question;
            let answered = intent.reply.is_some() || !intent.pages.is_empty();
            assert!(
                small_talk || answered || intent.category.goes_to_a_person(),
                "{} has no answer",
                intent.name
            );
        }
    }
}

/// An answer is quoted from a page: some question has to lead to each, and its paragraphs have to be short and whole.
#[test]
fn each_page_reads_well_alone() {
    for preset in with_ai() {
        assert!(preset.pages.len() >= 15, "{} has {} pages", preset.name, preset.pages.len());
        let used: BTreeSet<_> = preset.intents.iter().flat_map(|intent| &intent.pages).collect();
        for page in &preset.pages {
            assert!(used.contains(&page.path) || page.path == "about.md", "nothing leads to {}", page.path);
            for paragraph in page.text.split("\n\n").filter(|part| !part.starts_with('#')) {
                let sentences = paragraph.matches(['.', '?', '!']).count();
                assert!(paragraph.trim_end().ends_with('.'), "{}: {paragraph}", page.path);
                assert!((1..=9).contains(&sentences), "{}: {sentences} in {paragraph}", page.path);
            }
        }
    }
}

#[test]
fn colleagues_read_pages_that_customers_do_not() {
    let bank = Preset::load("bank").unwrap();
    assert_eq!(bank.mode(Mode::Customer).unwrap().topics.as_deref(), Some(&[][..]));
    assert_eq!(bank.mode(Mode::Banker).unwrap().topics.as_deref(), Some(&["banker".to_owned()][..]));
    for intent in bank.intents_in(Mode::Customer) {
        assert!(intent.pages.iter().all(|page| !page.starts_with("banker/")), "{}", intent.name);
    }
}

#[test]
fn nothing_about_a_persons_policy_is_said_before_the_check() {
    let desk = Preset::load("insurance_navigator").unwrap();
    let security = desk.security.as_ref().unwrap();
    let finds = |name: &str, text: &str| {
        let proof = security.proofs.iter().find(|proof| proof.name == name).unwrap();
        proof.pattern.find(text).map(|found| found.as_str().to_owned())
    };
    assert_eq!(finds("policy_number", "it's tw 204518, sorry").as_deref(), Some("tw 204518"));
    assert_eq!(finds("date_of_birth", "born 3rd March 1980 in Bath").as_deref(), Some("3rd March 1980"));
    assert_eq!(finds("date_of_birth", "03/04/1980").as_deref(), Some("03/04/1980"));
    assert_eq!(finds("postcode", "BS1 4RB").as_deref(), Some("BS1 4RB"));
    assert_eq!(finds("postcode", "no idea"), None);
    for name in ["claim_status", "my_policy", "change_policy", "cancel_policy", "refund_request"] {
        let intent = desk.intent(name).unwrap();
        assert!(intent.identity && intent.category.goes_to_a_person(), "{name}");
    }
}

#[test]
fn a_changed_text_is_another_desk_with_the_same_training() {
    let bank = Preset::load("bank").unwrap();
    let again = Preset::load("bank").unwrap();
    assert_eq!(bank.content_hash, again.content_hash);
    assert_ne!(bank.training_hash(Mode::Customer), bank.training_hash(Mode::Banker));
    let text = super::DESK;
    let (one, two) = (super::desk(text), super::desk(&text.replace("Bike shop", "Bicycle shop")));
    assert_ne!(one.content_hash, two.content_hash);
    assert_eq!(one.training_hash(Mode::Customer), two.training_hash(Mode::Customer));
    let three = super::desk(&text.replace("new chain", "new bell"));
    assert_ne!(one.training_hash(Mode::Customer), three.training_hash(Mode::Customer));
}
