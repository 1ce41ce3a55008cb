//! What is drawn from conversations, and what never is.

use super::*;
use crate::domain::clock;
use crate::domain::escalation::Contact;
use crate::domain::experience::Decided;
use crate::domain::mint;

fn line(role: Role, content: &str) -> Line {
    Line { seq: 1, role, author: None, content: content.to_owned(), cites: Vec::new(), helpful: None }
}

fn staff(content: &str) -> Line {
    Line { author: Some("Kim Berger".to_owned()), ..line(Role::Staff, content) }
}

fn passage(source: &str) -> Passage {
    Passage {
        document: uuid::Uuid::from_u128(7),
        ordinal: 1,
        source: source.to_owned(),
        title: "Fees".to_owned(),
        url: None,
        text: "A transfer abroad costs five euro. Lanternfield Premium members pay nothing.".to_owned(),
        score: 0.7,
        asked: None,
    }
}

fn turn(outcome: workflow::Outcome) -> Decided {
    Decided {
        turn: 1,
        agent: Some("navigator".to_owned()),
        intent: Some("fees".to_owned()),
        category: Some("automatable".to_owned()),
        confidence: Some(0.8),
        outcome,
        trigger: None,
        brain: Some("local".to_owned()),
        ms: 12,
        passages: vec![passage("fees.md")],
    }
}

fn escalation(trigger: Trigger, request: Option<&str>) -> Asked {
    Asked {
        trigger,
        issue: None,
        request: request.map(str::to_owned),
        contact: Some(Contact {
            name: Some("Ada Lovelace".to_owned()),
            email: Some("ada@example.org".to_owned()),
            phone: None,
        }),
        status: escalation::Status::Resolved,
        assignee: Some("Kim Berger".to_owned()),
    }
}

/// The agent answered from a page.
pub(in crate::memory) fn answered_by_agent() -> Experience {
    let mut reply = line(Role::Assistant, "A transfer abroad costs five euro. [1]");
    reply.cites = vec!["fees.md".to_owned()];
    Experience {
        workspace: mint::id(),
        conversation: mint::id(),
        visitor: mint::id(),
        status: Status::Closed,
        mode: Some(Mode::Customer),
        rating: None,
        at: clock::now(),
        known: vec![Contact { name: Some("Ada Lovelace".to_owned()), ..Contact::default() }],
        external_id: None,
        verified: false,
        preset: None,
        lines: vec![line(Role::User, "What does a transfer abroad cost, I am Ada?"), reply],
        turns: vec![turn(workflow::Outcome::Resolved)],
        escalations: Vec::new(),
    }
}

/// The agent could not, and a person did.
fn answered_by_staff(trigger: Trigger, answer: &str) -> Experience {
    let question = "Can my daughter Lena freeze her plan while she is abroad?";
    Experience {
        status: Status::Resolved,
        lines: vec![
            line(Role::User, question),
            line(Role::Assistant, "I am passing this on."),
            staff("One moment."),
            staff(answer),
        ],
        turns: vec![turn(workflow::Outcome::Escalated)],
        escalations: vec![escalation(trigger, Some(question))],
        ..answered_by_agent()
    }
}

#[test]
fn what_a_page_answered_leads_to_that_page() {
    let trace = trace(&answered_by_agent()).unwrap();
    assert_eq!(trace.outcome, Outcome::Success);
    let item = &trace.items[0];
    assert_eq!(item.purpose, Some(Purpose::Page(uuid::Uuid::from_u128(7))));
    assert_eq!(item.title, "What does a transfer abroad cost, I am [name removed]?");
    assert_eq!((item.description.as_str(), item.domain.as_deref()), ("Answered from “Fees”.", Some("fees")));
    assert!(!format!("{:?}", trace.trajectory).contains("Ada"));
}

#[test]
fn what_staff_answered_can_be_quoted_without_who_it_was() {
    let answer = "Hi Ada, yes, Lena can freeze an annual plan of Lanternfield Premium for 90 days. Write to \
                  kim@desk.example. Kind regards, Kim";
    let of = answered_by_staff(Trigger::InsufficientEvidence, answer);
    let drawn = trace(&of).unwrap();
    assert_eq!(drawn.outcome, Outcome::Partial);
    let [item] = drawn.items.as_slice() else { panic!("{:?}", drawn.items) };
    assert_eq!(item.purpose, Some(Purpose::Quote));
    assert_eq!(
        item.content,
        "Yes, [name removed] can freeze an annual plan of Lanternfield Premium for 90 days. Write to \
         [e-mail address removed]."
    );
    assert_eq!(item.title, "Can my daughter [name removed] freeze her plan while she is abroad?");
    assert_eq!(item.tags, ["staff_answer", "insufficient_evidence", "customer"]);
    assert_eq!(trace(&of).unwrap(), drawn, "the same again");
}

#[test]
fn what_people_decide_case_by_case_is_no_answer_to_the_next() {
    for trigger in [Trigger::HumanOnly, Trigger::Sensitive, Trigger::Guard] {
        let drawn = trace(&answered_by_staff(trigger, "Yes, we make an exception for you.")).unwrap();
        assert!(drawn.items.iter().all(|item| item.purpose == Some(Purpose::Hint)), "{trigger:?}");
        assert!(!format!("{:?}", drawn.items).contains("exception"));
    }
}

#[test]
fn who_asked_for_a_person_had_a_question_before() {
    let mut of = answered_by_staff(Trigger::UserRequest, "Yes, annual plans can be frozen for 90 days.");
    of.escalations[0].request = Some("I want a human".to_owned());
    of.lines.insert(2, line(Role::User, "I want a human"));
    let item = &trace(&of).unwrap().items[0];
    assert_eq!(item.purpose, Some(Purpose::Quote));
    assert!(item.title.starts_with("Can my daughter"), "{}", item.title);
}

#[test]
fn an_answer_that_says_nothing_to_others_is_none() {
    for answer in ["Done!", "It is ORD-4821, Ada.", "Hi Ada"] {
        let drawn = trace(&answered_by_staff(Trigger::LowConfidence, answer)).unwrap();
        assert_eq!(drawn.items[0].purpose, Some(Purpose::Hint), "{answer}");
        assert!(drawn.items[0].error_context.is_some());
    }
}

#[test]
fn judgements_and_ratings_decide_the_outcome() {
    let mut of = answered_by_agent();
    of.rating = Some(1);
    assert_eq!(trace(&of).unwrap().outcome, Outcome::Failure);
    of.rating = Some(5);
    assert_eq!(trace(&of).unwrap().outcome, Outcome::Success);
    of.lines[1].helpful = Some(false);
    let drawn = trace(&of).unwrap();
    assert_eq!((drawn.outcome, drawn.items[0].purpose), (Outcome::Failure, Some(Purpose::Hint)));
    assert_eq!(drawn.metadata.unwrap()["unhelpful"], 1);
    let mut of = answered_by_staff(Trigger::LowConfidence, "Yes, annual plans can be frozen.");
    of.status = Status::Closed;
    of.escalations[0].status = escalation::Status::Pending;
    assert_eq!(trace(&of).unwrap().outcome, Outcome::Failure, "nobody came");
}

#[test]
fn nothing_comes_of_nothing() {
    let mut of = answered_by_agent();
    of.lines.truncate(1);
    assert!(trace(&of).is_none(), "nobody answered");
    of.lines = vec![line(Role::Assistant, "Hello")];
    assert!(trace(&of).is_none(), "nobody asked");
}

#[test]
fn three_items_are_enough_and_a_language_of_capitals_has_no_more_names() {
    let mut of = answered_by_agent();
    for number in 0..5_u128 {
        let source = format!("page-{number}.md");
        let mut own = passage(&source);
        own.document = uuid::Uuid::from_u128(100 + number);
        of.turns[0].passages.push(own);
        of.lines.push(line(Role::User, &format!("And what about thing {number}?")));
        let mut reply = line(Role::Assistant, "Like this. [1]");
        reply.cites = vec![source];
        of.lines.push(reply);
    }
    let drawn = trace(&of).unwrap();
    assert_eq!(drawn.items.len(), ITEMS);
    assert_eq!(drawn.items[0].title, "And what about thing 4?");

    of.lines[0].content =
        "Wie kann ich die Kündigung für den Vertrag meiner Tochter an die Zentrale senden?".to_owned();
    assert!(names(&of).is_empty(), "{:?}", names(&of));
}
