//! Texts with places to fill.

use super::super::{Placeholder, Text, Texts};

#[test]
fn a_text_is_said_with_its_values() {
    let text =
        Text::parse("Thank you[, {name}]. {details}", &[Placeholder::Name, Placeholder::Details]).unwrap();
    assert_eq!(
        text.render(&[(Placeholder::Name, "Ada"), (Placeholder::Details, "Go on.")]),
        "Thank you, Ada. Go on."
    );
    assert_eq!(text.render(&[(Placeholder::Details, "Go on.")]), "Thank you. Go on.");
    assert_eq!(text.render(&[]), "Thank you. ");
}

#[test]
fn a_value_is_never_read_as_a_text() {
    let text = Text::parse("Hello {name}", &[Placeholder::Name]).unwrap();
    assert_eq!(text.render(&[(Placeholder::Name, "{details} [x]")]), "Hello {details} [x]");
}

#[test]
fn doubled_signs_are_themselves() {
    assert_eq!(Text::parse("See [[1]] and {{x}}", &[]).unwrap().render(&[]), "See [1] and {x}");
}

#[test]
fn a_text_that_is_none_says_why() {
    let check = |text, expected: (&str, &str)| {
        let (what, mend) = Text::parse(text, &[Placeholder::Name, Placeholder::Opening]).unwrap_err();
        assert_eq!((what.as_str(), mend.as_str()), expected);
    };
    check(
        "{names}",
        ("has the placeholder {names}", "it takes {name} and {opening}; did you mean `{name}`?"),
    );
    check("{name", ("has a { that is not closed", "close it with }, or write {{ for the sign itself"));
    check("[ {name}", ("has a [ that is not closed", "close it with ], or write [[ for the sign itself"));
    check("a } b", ("has a } that opens or closes nothing", "write }} where you mean the sign itself"));
    check(
        "see [1]",
        (
            "has brackets without a placeholder in them",
            "a part in brackets falls away with a value that is not known; write [[ for a bracket",
        ),
    );
}

#[test]
fn every_default_is_a_text() {
    for (name, purpose, placeholders, text) in Texts::TABLE {
        assert!(Text::parse(text, placeholders).is_ok(), "{name}: {text}");
        assert!(!purpose.trim().is_empty(), "{name} has no purpose");
    }
}
