//! What is wrong with a file is said with its place, and how to mend it.

use super::super::{Preset, PresetError};
use super::{DESK, parse};

/// The desk with `from` replaced by `to` is refused with exactly these lines.
fn refused(from: &str, to: &str, expected: &[&str]) {
    assert!(DESK.contains(from), "{from} does not stand in the desk");
    let error = parse(&DESK.replacen(from, to, 1)).unwrap_err();
    assert_eq!(error.lines().collect::<Vec<_>>(), expected);
}

/// The desk with these lines at its end is refused with exactly these lines.
fn refused_with(lines: &str, expected: &[&str]) {
    refused(
        "let me talk to someone\", \"can somebody call me\"]\n",
        &format!("let me talk to someone\", \"can somebody call me\"]\n{lines}"),
        expected,
    );
}

#[test]
fn the_desk_itself_is_taken() {
    parse(DESK).unwrap();
}

#[test]
fn what_is_not_toml() {
    refused(
        "title = \"Bike shop\"",
        "title = \"Bike shop\nname = = 3",
        &[
            "shop.toml, line 2, column 19: this is not TOML: invalid basic string, expected `\"`",
            "shop.toml, line 3, column 8: this is not TOML: extra `=`, expected nothing",
        ],
    );
}

#[test]
fn a_field_that_is_not_there() {
    refused(
        "category = \"automatable\"",
        "categories = \"automatable\"",
        &[
            "shop.toml, line 8, column 1: in intent `repair_price`, there is no `category`: give automatable, sensitive or human_only",
            "shop.toml, line 10, column 1: in intent `repair_price`, there is no field `categories`: did you mean `category`?",
        ],
    );
    refused(
        "title",
        "colour = \"red\"\ntitle",
        &[
            "shop.toml, line 2, column 1: there is no field `colour`: it takes agents, ai, contact, greeting, hours, intents, \
           limits, modes, name, rules, security, texts, thresholds and title",
        ],
    );
}

#[test]
fn a_value_that_is_not_known() {
    refused(
        "\"automatable\"",
        "\"sensible\"",
        &[
            "shop.toml, line 10, column 12: in intent `repair_price`, `category` is \"sensible\": it takes automatable, \
           sensitive or human_only; did you mean `sensitive`?",
        ],
    );
    refused(
        "category = \"automatable\"",
        "category = \"automatable\"\nagent = \"guides\"",
        &[
            "shop.toml, line 11, column 9: in intent `repair_price`, `agent` is \"guides\": it takes an agent of this desk: \
           guide; did you mean `guide`?",
        ],
    );
    refused(
        "kind = \"human_request\"",
        "kind = \"human_request\"\ncategory = \"automatable\"\nmodes = [\"banker\"]",
        &[
            "shop.toml, line 18, column 12: in intent `talk_to_person`, `category` is \"automatable\": the kind `human_request` \
             is always human_only; remove it, or take another `kind`",
            "shop.toml, line 19, column 10: in intent `talk_to_person`, `modes` is \"banker\": it takes a mode of this desk: \
             customer",
        ],
    );
}

#[test]
fn a_value_of_another_kind() {
    refused(
        "title = \"Bike shop\"",
        "title = 3\nai = \"yes\"\ngreeting = \" \"",
        &[
            "shop.toml, line 2, column 9: `title` is 3: it takes a text that is not empty",
            "shop.toml, line 3, column 6: `ai` is \"yes\": it takes true or false",
            "shop.toml, line 4, column 12: `greeting` is an empty text: it takes a text that is not empty",
        ],
    );
}

#[test]
fn numbers_out_of_their_bounds() {
    refused_with(
        "[thresholds]\nintent = 1.4\nevidence = \"high\"\n[limits]\npassages = 0\n[contact]\nattempts = -1",
        &[
            "shop.toml, line 21, column 10: in `[thresholds]`, `intent` is 1.4: it takes a number from 0 to 1",
            "shop.toml, line 22, column 12: in `[thresholds]`, `evidence` is \"high\": it takes a number from 0 to 1",
            "shop.toml, line 24, column 12: in `[limits]`, `passages` is 0: it takes a whole number from 1 to 20",
            "shop.toml, line 26, column 12: in `[contact]`, `attempts` is -1: it takes a whole number from 1 to 5",
        ],
    );
}

#[test]
fn examples() {
    refused(
        "examples = [\"what does a repair cost\", \"price of a new chain\", \"how much is a service\"]",
        "examples = [\n\"what does a repair cost\",\n\"A human, please!\",\n\"what does a REPAIR cost?\",\n\"\"]",
        &[
            "shop.toml, line 16, column 1: in intent `repair_price`, the example \"what does a REPAIR cost?\" is not its own: it \
             stands there already; remove one",
            "shop.toml, line 17, column 1: in intent `repair_price`, `examples` holds an empty text: it takes texts that are not \
             empty",
            "shop.toml, line 23, column 13: in intent `talk_to_person`, the example \"a human please\" is not its own: it stands \
             under `repair_price` as well; keep it where it belongs",
        ],
    );
    refused(
        "examples = [\"what does a repair cost\", \"price of a new chain\", \"how much is a service\"]",
        "examples = [\"what does a repair cost\"]",
        &[
            "shop.toml, line 9, column 8: in intent `repair_price`, `examples` has 1: give at least 3, better fifteen",
        ],
    );
}

#[test]
fn the_same_example_in_two_modes_that_never_meet() {
    let two = DESK
        .replace("[[agents]]", "[modes.customer]\n[modes.banker]\n[[agents]]")
        .replace("[[intents]]\nname = \"repair", "[[intents]]\nmodes = [\"customer\"]\nname = \"repair");
    let other = "[[intents]]\nname = \"repair_price_inside\"\nmodes = [\"banker\"]\ncategory = \"automatable\"\n\
                 description = \"x\"\nexamples = [\"what does a repair cost\", \"b\", \"c\"]";
    parse(&format!("{two}{other}")).unwrap();
    parse(&format!("{two}{}", other.replace("banker", "customer"))).unwrap_err();
}

#[test]
fn names_given_twice_and_pages_that_are_not_there() {
    refused(
        "name = \"talk_to_person\"",
        "name = \"repair_price\"\npages = [\"repair.md\"]",
        &[
            "shop.toml, line 16, column 8: there are two intents `repair_price`: rename one, or make one of both",
            "shop.toml, line 17, column 10: in intent `repair_price`, there is no page \"repair.md\": give the path of a page in \
             the desk's folder; did you mean `repairs.md`?",
        ],
    );
    refused(
        "name = \"guide\"",
        "name = \"The guide\"",
        &[
            "shop.toml, line 5, column 8: in agent `The guide`, `name` is \"The guide\": it takes a name of small letters, digits \
           and _, like `lost_card`",
        ],
    );
}

#[test]
fn texts() {
    refused_with(
        "[texts]\nhandover_closed = \"Back {openings}\"\nhandovr = \"x\"\ncontact_thanks = \"Thanks [1]\"",
        &[
            "shop.toml, line 21, column 19: in `[texts]`, `handover_closed` has the placeholder {openings}: it takes {name} and \
             {opening}; did you mean `{opening}`?",
            "shop.toml, line 22, column 1: in `[texts]`, there is no field `handovr`: did you mean `handover`?",
            "shop.toml, line 23, column 18: in `[texts]`, `contact_thanks` has brackets without a placeholder in them: a part in \
             brackets falls away with a value that is not known; write [[ for a bracket",
        ],
    );
}

#[test]
fn hours() {
    refused_with(
        "[hours]\ntime_zone = \"Europe/Berln\"\nmonday = [\"17:00-09:00\", \"9-12\"]\ntuesday = [\"09:00-12:00\", \
         \"11:00-13:00\"]\nholidays = [\"02-30\", 2026-01-01]",
        &[
            "shop.toml, line 21, column 13: in `[hours]`, `time_zone` is \"Europe/Berln\": it takes an IANA name, like \
             \"Europe/Dublin\"; did you mean `Europe/Berlin`?",
            "shop.toml, line 22, column 11: in `[hours]`, `monday` holds \"17:00-09:00\": it takes spans like \"09:00-17:30\", the \
             later time last; one over midnight is two, up to 24:00 and from 00:00",
            "shop.toml, line 22, column 26: in `[hours]`, `monday` holds \"9-12\": it takes spans like \"09:00-17:30\", the later \
             time last; one over midnight is two, up to 24:00 and from 00:00",
            "shop.toml, line 23, column 27: in `[hours]`, `tuesday` has \"11:00-13:00\" before the span ahead of it ends: put spans \
             in order, and join those that overlap",
            "shop.toml, line 24, column 13: in `[hours]`, `holidays` holds \"02-30\": it takes dates like 2026-04-03, and \"12-25\" \
             for a day of every year",
        ],
    );
    refused_with(
        "[hours]",
        &[
            "shop.toml, line 20, column 1: in `[hours]`, there is no `time_zone`: give one of the IANA names, like \"Europe/Dublin\"",
            "shop.toml, line 20, column 1: in `[hours]`, no day is open: give at least one, like `monday = [\"09:00-17:00\"]`, or \
             remove `[hours]` for a desk that is always there",
        ],
    );
}

#[test]
fn the_security_check() {
    refused(
        "category = \"automatable\"",
        "category = \"automatable\"\nidentity = true",
        &[
            "shop.toml, line 11, column 12: in intent `repair_price`, `identity` asks for a security check: there is none; add \
           `[security]`, or remove the line",
        ],
    );
    refused_with(
        "[[security.proofs]]\nname = \"frame\"\nlabel = \"the number of the frame\"\npattern = '[A-Z'",
        &[
            "shop.toml, line 23, column 11: in proof `frame`, `pattern` is no regular expression: unclosed character class",
        ],
    );
}

#[test]
fn a_desk_needs_somebody_who_answers() {
    refused(
        "kind = \"human_request\"",
        "kind = \"no\"",
        &[
            "shop.toml, line 9, column 8: no intent has the kind `human_request`: add one, so that whoever asks for a person gets one",
        ],
    );
    let error = parse("title = \"x\"").unwrap_err();
    assert!(error.contains("there is no `agents`: give at least one"), "{error}");
    let error = parse("title = \"x\"\nai = false\n[texts]").unwrap_err();
    assert_eq!(
        error,
        "shop.toml, line 3, column 2: `texts` is of no use: a desk with `ai = false` takes only name, title and greeting"
    );
}

#[test]
fn columns_count_characters_and_lines_may_end_as_on_windows() {
    let error = parse(
        &DESK.replace("title = \"Bike shop\"", "greeting = \"Grüß Gott\"; title").replace('\n', "\r\n"),
    );
    assert_eq!(
        error.unwrap_err().lines().next(),
        Some(
            "shop.toml, line 2, column 23: this is not TOML: unexpected key or value, expected newline, `#`"
        )
    );
}

#[test]
fn a_preset_that_is_not_there() {
    let told = |name: &str| Preset::load(name).unwrap_err().to_string();
    assert_eq!(
        told("banc"),
        "there is no preset `banc`: give member_support, insurance_navigator, bank, relay, or the path of a .toml file"
    );
    assert!(matches!(Preset::load("/nowhere/desk.toml"), Err(PresetError::Unreadable { .. })));
}

#[test]
fn a_preset_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.toml");
    std::fs::write(&file, DESK).unwrap();
    std::fs::create_dir_all(folder.path().join("shop/inside")).unwrap();
    std::fs::write(folder.path().join("shop/repairs.md"), "# Repairs\n\nText.\n").unwrap();
    std::fs::write(folder.path().join("shop/inside/till.md"), "# The till\n\nText.\n").unwrap();
    let preset = Preset::load(file.to_str().unwrap()).unwrap();
    let pages: Vec<_> = preset
        .pages
        .iter()
        .map(|page| (page.path.as_str(), page.topic.as_deref(), page.title.as_str()))
        .collect();
    assert_eq!(pages, [("inside/till.md", Some("inside"), "The till"), ("repairs.md", None, "Repairs")]);
    assert_eq!(preset.name, "shop");

    std::fs::write(folder.path().join("shop/empty.md"), "Nothing.\n").unwrap();
    let error = Preset::load(file.to_str().unwrap()).unwrap_err().to_string();
    assert!(
        error.ends_with("shop/empty.md has no title: begin it with a line like `# Opening hours`"),
        "{error}"
    );
}
