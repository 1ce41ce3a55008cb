//! What a preset file may say, what it is told when it is wrong, and that the shipped ones are right.

mod documentation;
mod faults;
mod hours;
mod shipped;
mod text;

use super::{Page, Preset};

/// A small desk that is right; each test breaks it in its own way.
const DESK: &str = r#"
title = "Bike shop"

[[agents]]
name = "guide"
prompt = "You explain how the shop works."

[[intents]]
name = "repair_price"
category = "automatable"
description = "What a repair costs."
pages = ["repairs.md"]
examples = ["what does a repair cost", "price of a new chain", "how much is a service"]

[[intents]]
name = "talk_to_person"
kind = "human_request"
description = "Asks for a person."
examples = ["a human please", "let me talk to someone", "can somebody call me"]
"#;

fn parse(text: &str) -> Result<Preset, String> {
    let page = Page::new("repairs.md", "# Repairs\n\nA new chain costs 30 euro.\n").unwrap();
    Preset::parse("shop", "shop.toml", text, vec![page]).map_err(|error| error.to_string())
}

fn desk(text: &str) -> Preset {
    parse(text).unwrap_or_else(|error| panic!("{error}"))
}
