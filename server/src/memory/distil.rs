//! What is worth remembering of a conversation: by whom its question was answered, from what, or why it was not.
//!
//! Invariant: only what staff answered can become something to quote, without what says who anybody is; the words of a
//! visitor are found by, and never shown to another.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};

use super::private::{Private, says_something};
use crate::domain::conversation::{Mode, Status};
use crate::domain::escalation::{self, Trigger};
use crate::domain::experience::{Asked, Experience, Line};
use crate::domain::memory::{Item, Outcome, Purpose, Trace};
use crate::domain::message::Role;
use crate::domain::mint;
use crate::domain::turn::Passage;
use crate::domain::workflow;

/// Items of one conversation.
const ITEMS: usize = 3;
/// Characters of a question that it is remembered by.
const QUESTION: usize = 300;
/// Characters of an answer.
const ANSWER: usize = 2_000;
/// A rating up to this says that it went wrong.
const UNHAPPY: i16 = 2;

/// The trace of a conversation; nothing where nobody asked, or nobody answered.
pub fn trace(of: &Experience) -> Option<Trace> {
    let said_by = |role: Role| of.lines.iter().any(move |line| line.role == role);
    if !said_by(Role::User) || !(said_by(Role::Assistant) || said_by(Role::Staff)) {
        return None;
    }
    let private = private(of);
    let remembered = [answer(of, &private), handed_over(of, &private)].into_iter().flatten().take(1);
    let mut items: Vec<Item> = remembered.chain(answered(of, &private)).take(ITEMS).collect();
    for (place, item) in (1..).zip(&mut items) {
        item.id = mint::learned(of.workspace, of.conversation, Some(place));
    }
    let asked = of.escalations.first().and_then(|asked| asked.request.clone());
    let first = of.lines.iter().find(|line| line.role == Role::User).map(|line| line.content.clone());
    let task = question(&asked.or(first).unwrap_or_default(), &private);
    Some(Trace {
        id: mint::learned(of.workspace, of.conversation, None),
        task: if task.is_empty() { "A conversation".to_owned() } else { task },
        trajectory: trajectory(of),
        outcome: outcome(of),
        items,
        metadata: Some(json!({
            "conversation_id": of.conversation,
            "mode": of.mode.map(Mode::name),
            "escalated": !of.escalations.is_empty(),
            "rating": of.rating,
            "helpful": judged(of, true),
            "unhelpful": judged(of, false),
        })),
        created_at: of.at,
    })
}

/// Everything that is known to be private in this conversation.
fn private(of: &Experience) -> Private {
    let contacts = of.known.iter().chain(of.escalations.iter().filter_map(|asked| asked.contact.as_ref()));
    let told = contacts
        .flat_map(|contact| [&contact.name, &contact.email, &contact.phone].map(Clone::clone))
        .chain([of.external_id.clone()])
        .flatten();
    let staff = of
        .lines
        .iter()
        .filter_map(|line| line.author.clone())
        .chain(of.escalations.iter().filter_map(|asked| asked.assignee.clone()));
    Private::of(told.chain(staff).chain(names(of)))
}

/// Words that a visitor wrote like a name, and that nothing of the desk's own holds.
fn names(of: &Experience) -> Vec<String> {
    let mut own = String::new();
    for line in of.lines.iter().filter(|line| line.role == Role::Assistant) {
        own.push_str(&line.content.to_lowercase());
    }
    for passage in of.turns.iter().flat_map(|turn| &turn.passages) {
        own.push_str(&passage.title.to_lowercase());
        own.push_str(&passage.text.to_lowercase());
    }
    let mut names = Vec::new();
    for line in of.lines.iter().filter(|line| line.role == Role::User && !is_german(&line.content)) {
        let mut begins = true;
        for word in line.content.split_whitespace() {
            let bare = word.trim_matches(|sign: char| !sign.is_alphanumeric());
            let bare = bare.split(['\'', '’']).next().unwrap_or_default();
            let mut signs = bare.chars();
            let is_capital = signs.next().is_some_and(char::is_uppercase)
                && signs.clone().count() > 1
                && signs.all(|sign| sign.is_lowercase() || sign == '-');
            if is_capital && !begins && !own.contains(&bare.to_lowercase()) && !CALENDAR.contains(&bare) {
                names.push(bare.to_owned());
            }
            begins = word.ends_with(['.', '!', '?', ':']);
        }
    }
    names
}

/// There every noun begins with a capital.
fn is_german(text: &str) -> bool {
    let words: HashSet<String> = text.split_whitespace().map(str::to_lowercase).collect();
    GERMAN.iter().filter(|word| words.contains(**word)).count() >= 2
}

const GERMAN: &[&str] = &[
    "der", "die", "das", "den", "dem", "ein", "eine", "und", "ich", "ist", "nicht", "für", "mit", "wie",
    "kann", "mein", "meine", "meiner", "auf", "wir", "bitte",
];

const CALENDAR: &[&str] = &[
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
    "Christmas",
    "Easter",
];

/// What staff answered to what the agent could not.
fn answer(of: &Experience, private: &Private) -> Option<Item> {
    let asked = of.escalations.iter().rev().find(|asked| asked.status == escalation::Status::Resolved)?;
    let question = question(&asked_by(of, asked)?, private);
    let said = of.lines.iter().filter(|line| line.role == Role::Staff);
    let told: Vec<String> =
        said.map(|line| private.taken_out_of(&line.content)).filter(|text| says_something(text)).collect();
    let content = shortened(&told.join("\n"), ANSWER);
    if question.is_empty() || content.is_empty() {
        return None;
    }
    // What people decide in each case is no answer to the next.
    let case_by_case = matches!(asked.trigger, Trigger::HumanOnly | Trigger::Sensitive | Trigger::Guard);
    let tags = ["staff_answer", asked.trigger.name()];
    (!case_by_case).then(|| Item {
        purpose: Some(Purpose::Quote),
        ..item(of, question, "A person of the desk answered this.", content, &tags)
    })
}

/// The question behind an escalation: what the agent handed over, or the last thing that was asked before a person came.
fn asked_by(of: &Experience, asked: &Asked) -> Option<String> {
    let by_agent =
        matches!(asked.trigger, Trigger::InsufficientEvidence | Trigger::LowConfidence | Trigger::AgentError);
    if by_agent && asked.request.is_some() {
        return asked.request.clone();
    }
    let came = of.lines.iter().position(|line| line.role == Role::Staff)?;
    let before = of.lines[..came].iter().rev().filter(|line| line.role == Role::User);
    let others = before.filter(|line| Some(&line.content) != asked.request.as_ref());
    let questions = others.map(|line| line.content.clone());
    questions.into_iter().find(|text| text.contains('?') || text.split_whitespace().count() > 4)
}

/// Why a person was asked for, where nobody's answer can be quoted.
fn handed_over(of: &Experience, private: &Private) -> Option<Item> {
    let asked = of.escalations.last()?;
    let question = question(&asked.request.clone().or_else(|| asked_by(of, asked))?, private);
    let why = match asked.trigger {
        Trigger::HumanOnly => "People decide it at this desk.",
        Trigger::Sensitive => "It is sensitive, and goes to people at this desk.",
        Trigger::LowConfidence => "The agent was not sure enough of its answer.",
        Trigger::InsufficientEvidence => "The knowledge holds no answer to it.",
        Trigger::UserRequest => "The visitor wanted to speak to a person.",
        Trigger::AgentError => "The agent failed at it.",
        Trigger::StaffTakeover => "A person took it over.",
        Trigger::Guard => "The guard had stopped several messages.",
    };
    let failed =
        matches!(asked.trigger, Trigger::LowConfidence | Trigger::InsufficientEvidence | Trigger::AgentError);
    (!question.is_empty()).then(|| Item {
        error_context: failed.then(|| json!({ "trigger": asked.trigger.name() })),
        purpose: Some(Purpose::Hint),
        ..item(
            of,
            question,
            "Such a question was handed over to a person.",
            why.to_owned(),
            &["handed_over", asked.trigger.name()],
        )
    })
}

/// What the agent answered from the knowledge, the latest first, each document once.
fn answered(of: &Experience, private: &Private) -> Vec<Item> {
    let mut seen = HashSet::new();
    let mut items = Vec::new();
    for (place, line) in of.lines.iter().enumerate().rev() {
        let cited = line.cites.first().filter(|_| line.role == Role::Assistant);
        let Some(passage) = cited.and_then(|source| of.document(source)) else { continue };
        let asked = question(&asked_before(&of.lines[..place]), private);
        if !asked.is_empty() && seen.insert(passage.document) {
            items.push(from_page(of, asked, passage, line, private));
        }
    }
    items
}

fn from_page(of: &Experience, asked: String, passage: &Passage, line: &Line, private: &Private) -> Item {
    let title = &passage.title;
    if line.helpful == Some(false) {
        let content = format!("An answer from “{title}” did not help.");
        return Item {
            error_context: Some(json!({ "unhelpful": title })),
            purpose: Some(Purpose::Hint),
            ..item(of, asked, "An answer that did not help.", content, &["unhelpful"])
        };
    }
    let content = shortened(&private.taken_out_of(&line.content), ANSWER);
    Item {
        purpose: Some(Purpose::Page(passage.document)),
        ..item(of, asked, &format!("Answered from “{title}”."), content, &["answered"])
    }
}

/// What a visitor wrote last, as one text.
fn asked_before(lines: &[Line]) -> String {
    let asked: Vec<&str> = lines
        .iter()
        .rev()
        .take_while(|line| line.role == Role::User)
        .map(|line| line.content.as_str())
        .collect();
    asked.into_iter().rev().collect::<Vec<_>>().join(" ")
}

fn item(of: &Experience, title: String, description: &str, content: String, tags: &[&str]) -> Item {
    let domain = of.escalations.last().and_then(|asked| asked.issue.clone());
    let domain = domain.or_else(|| of.turns.iter().rev().find_map(|turn| turn.intent.clone()));
    Item {
        id: uuid::Uuid::nil(),
        title,
        description: description.to_owned(),
        content,
        error_context: None,
        tags: tags.iter().copied().chain(of.mode.map(Mode::name)).map(str::to_owned).collect(),
        domain,
        purpose: None,
        vector: None,
    }
}

/// Rated or judged badly, or never answered: a failure. Answered by people: a part of what was wanted.
fn outcome(of: &Experience) -> Outcome {
    let is_unhappy = of.rating.is_some_and(|rating| rating <= UNHAPPY);
    let open = |asked: &&Asked| asked.status != escalation::Status::Resolved;
    let was_left = of.status == Status::Closed && of.escalations.iter().any(|asked| open(&asked));
    let by_staff = of.lines.iter().any(|line| line.role == Role::Staff);
    let by_agent = of.turns.iter().any(|turn| turn.outcome == workflow::Outcome::Resolved);
    if is_unhappy || judged(of, false) > judged(of, true) || was_left || !(by_staff || by_agent) {
        Outcome::Failure
    } else if of.escalations.is_empty() {
        Outcome::Success
    } else {
        Outcome::Partial
    }
}

fn judged(of: &Experience, helpful: bool) -> usize {
    of.lines.iter().filter(|line| line.helpful == Some(helpful)).count()
}

/// What was done, in order, without a word that was said.
fn trajectory(of: &Experience) -> Vec<Value> {
    let turns = of.turns.iter().map(|turn| {
        let mut sources = BTreeMap::new();
        for passage in &turn.passages {
            sources.entry(passage.source.as_str()).or_insert(passage.score);
        }
        json!({
            "turn": turn.turn, "agent": turn.agent, "intent": turn.intent, "category": turn.category,
            "confidence": turn.confidence, "outcome": turn.outcome.name(), "trigger": turn.trigger,
            "brain": turn.brain, "ms": turn.ms, "retrieved": sources,
        })
    });
    let people = of.escalations.iter().map(
        |asked| json!({ "escalated": asked.trigger.name(), "issue": asked.issue, "status": asked.status.name() }),
    );
    turns.chain(people).collect()
}

/// On one line, and not too long.
fn question(text: &str, private: &Private) -> String {
    let text = private.taken_out_of(text);
    shortened(&text.split_whitespace().collect::<Vec<_>>().join(" "), QUESTION)
}

/// Whole sentences, as far as they go.
fn shortened(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.trim().to_owned() };
    let text = &text[..end];
    let sentence = text.rfind(['.', '!', '?', '\n']).map_or(end, |at| at + 1);
    text[..sentence].trim().to_owned()
}

#[cfg(test)]
pub(super) mod tests;
