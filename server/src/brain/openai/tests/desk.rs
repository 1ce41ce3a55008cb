//! A desk, a case and passages to try the brain on.

use std::sync::Arc;

use uuid::Uuid;

use crate::brain::Case;
use crate::domain::conversation::Mode;
use crate::domain::message::Role;
use crate::domain::mint;
use crate::domain::preset::Preset;
use crate::domain::turn::{Passage, Said};

const DESK: &str = r#"
title = "A desk"
rules = "Answer from the passages alone."

[[agents]]
name = "guide"
prompt = "You are the guide."

[modes.customer]
agent = "guide"
[modes.banker]
agent = "guide"

[[intents]]
name = "prices"
category = "automatable"
description = "What it costs."
examples = ["what does it cost", "how much is it", "price please", "is it expensive", "cost per month"]

[[intents]]
name = "refund"
category = "sensitive"
description = "Wants money back."
examples = ["i want my money back", "refund me", "give me a refund", "money back please", "refund my fee"]

[[intents]]
name = "ledger"
category = "automatable"
modes = ["banker"]
description = "The ledger of a branch."
examples = ["show the ledger", "ledger please", "open the ledger", "ledger of today", "the ledger"]

[[intents]]
name = "person"
kind = "human_request"
category = "human_only"
description = "Wants a person."
examples = ["a person please", "talk to a human", "agent", "real person", "somebody else"]
"#;

/// A customer's.
pub fn case(question: &str) -> Case {
    Case {
        preset: Arc::new(Preset::parse("desk", "desk.toml", DESK, Vec::new()).unwrap()),
        mode: Mode::Customer,
        workspace: mint::id(),
        agent: "guide".to_owned(),
        question: question.to_owned(),
        query: question.to_owned(),
        vector: None,
        own: None,
        known: None,
        history: Vec::new(),
        spoken_of: Vec::new(),
    }
}

pub fn said(role: Role, content: &str) -> Said {
    Said { role, content: content.to_owned() }
}

pub fn passage(title: &str, text: &str, score: f32) -> Passage {
    Passage {
        document: Uuid::nil(),
        ordinal: 0,
        source: "page.md".to_owned(),
        title: title.to_owned(),
        url: None,
        text: text.to_owned(),
        score,
        asked: None,
    }
}
