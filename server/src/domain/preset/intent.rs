//! What visitors come with: an intent, the examples it is recognised by, and what is done about it.

use super::Mode;
use super::Site;
use super::read::Reader;
use super::text::{Placeholder, Text};

#[derive(Clone, Debug)]
pub struct Intent {
    pub name: String,
    pub kind: Kind,
    pub category: Category,
    pub modes: Vec<Mode>,
    pub agent: String,
    /// One line, for staff and for a remote model that classifies.
    pub description: String,
    pub examples: Vec<String>,
    /// Of its hand-over.
    pub priority: Priority,
    /// The whole answer of an automatable intent; what is said before the hand-over of any other.
    pub reply: Option<Text>,
    /// A question after the answer; a yes hands over to a person.
    pub offer: Option<Text>,
    /// It is about what only one person may know: the security check comes first.
    pub identity: bool,
    /// Paths of the pages that answer it: retrieval prefers them.
    pub pages: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    Automatable,
    Sensitive,
    HumanOnly,
}

impl Category {
    pub const ALL: &[(&str, Self)] = &[
        ("automatable", Self::Automatable),
        ("sensitive", Self::Sensitive),
        ("human_only", Self::HumanOnly),
    ];

    pub fn name(self) -> &'static str {
        name_of(self, Self::ALL)
    }

    /// By rule, whatever a model says.
    pub fn goes_to_a_person(self) -> bool {
        self != Self::Automatable
    }
}

/// What a message with this intent is to the workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Answered from knowledge, or handed over.
    Question,
    /// Answered with its `reply`, without looking anything up.
    SmallTalk,
    /// Somebody asks for a person.
    HumanRequest,
    /// Somebody tells how to reach them.
    ContactDetails,
    Yes,
    No,
}

impl Kind {
    pub const ALL: &[(&str, Self)] = &[
        ("question", Self::Question),
        ("small_talk", Self::SmallTalk),
        ("human_request", Self::HumanRequest),
        ("contact_details", Self::ContactDetails),
        ("yes", Self::Yes),
        ("no", Self::No),
    ];

    pub fn name(self) -> &'static str {
        name_of(self, Self::ALL)
    }

    /// The one category that a kind may have, where it has but one.
    fn category(self) -> Option<Category> {
        match self {
            Self::Question => None,
            Self::HumanRequest => Some(Category::HumanOnly),
            Self::SmallTalk | Self::ContactDetails | Self::Yes | Self::No => Some(Category::Automatable),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    Low,
    Normal,
    High,
    Urgent,
}

impl Priority {
    pub const ALL: &[(&str, Self)] =
        &[("low", Self::Low), ("normal", Self::Normal), ("high", Self::High), ("urgent", Self::Urgent)];

    /// As an escalation stores it: larger comes first, 0 is usual.
    pub fn rank(self) -> i16 {
        match self {
            Self::Low => -1,
            Self::Normal => 0,
            Self::High => 1,
            Self::Urgent => 2,
        }
    }
}

/// An intent with the places that a later check may have to name.
pub(super) struct Draft {
    pub intent: Intent,
    pub name: Site,
    pub examples: Vec<Site>,
    pub pages: Vec<Site>,
    /// The field that asks for the security check.
    pub identity: Site,
}

pub(super) fn intents(desk: &Reader<'_>, agents: &[&str], modes: &[Mode]) -> Vec<Draft> {
    desk.tables("intents", "intent").into_iter().map(|table| intent(&table, agents, modes)).collect()
}

fn intent(table: &Reader<'_>, agents: &[&str], served: &[Mode]) -> Draft {
    let (name, site) = table.name("name");
    let kind = table.choice("kind", Kind::ALL).unwrap_or(Kind::Question);
    let category = category(table, kind);
    let examples = table.texts("examples").unwrap_or_default();
    let pages = table.texts("pages").unwrap_or_default();
    let reply = table.template("reply", &[Placeholder::Name]);
    let offer = table.template("offer", &[Placeholder::Name]);
    if kind == Kind::SmallTalk && reply.is_none() {
        table.fault(
            &site,
            "there is no `reply`",
            "small talk is answered with one; add it, or take another `kind`",
        );
    }
    if offer.is_some() && (category.goes_to_a_person() || kind != Kind::Question) {
        table.fault(
            &table.site("offer"),
            "`offer` is of no use",
            "only an automatable question can be answered first and offered a person then; remove it",
        );
    }
    let intent = Intent {
        kind,
        category,
        modes: modes(table, served),
        agent: table
            .one_of("agent", agents, "an agent of this desk")
            .or_else(|| agents.first().map(|&first| first.to_owned()))
            .unwrap_or_default(),
        description: table.required_text("description", "one line that says what the visitor wants"),
        examples: examples.iter().map(|example| example.get_ref().trim().to_owned()).collect(),
        priority: table.choice("priority", Priority::ALL).unwrap_or(Priority::Normal),
        reply,
        offer,
        identity: table.flag("identity").unwrap_or(false),
        pages: pages.iter().map(|page| page.get_ref().clone()).collect(),
        name,
    };
    table.finish();
    Draft {
        intent,
        name: site,
        examples: examples.iter().map(toml::Spanned::span).collect(),
        pages: pages.iter().map(toml::Spanned::span).collect(),
        identity: table.site("identity"),
    }
}

fn category(table: &Reader<'_>, kind: Kind) -> Category {
    let given = table.choice("category", Category::ALL);
    match (kind.category(), given) {
        (Some(fixed), Some(given)) if given != fixed => {
            let what = format!("`category` is {:?}", given.name());
            let mend = format!(
                "the kind `{}` is always {}; remove it, or take another `kind`",
                kind.name(),
                fixed.name()
            );
            table.fault(&table.site("category"), &what, &mend);
            fixed
        }
        (Some(fixed), _) => fixed,
        (None, Some(given)) => given,
        (None, None) => {
            // A value that was refused has its own fault.
            if !table.has("category") {
                table.missing("category", "automatable, sensitive or human_only");
            }
            // The stand-in that no other check objects to.
            Category::Automatable
        }
    }
}

fn modes(table: &Reader<'_>, served: &[Mode]) -> Vec<Mode> {
    let Some(given) = table.texts("modes") else { return served.to_vec() };
    let names: Vec<&str> = served.iter().map(|mode| mode.name()).collect();
    if given.is_empty() {
        table.fault(&table.site("modes"), "`modes` is empty", "name one, or remove the line for all modes");
    }
    given
        .iter()
        .filter_map(|mode| table.known("modes", mode, &names, "a mode of this desk"))
        .filter_map(|name| Mode::from_name(&name))
        .collect()
}

fn name_of<T: Copy + PartialEq>(value: T, all: &'static [(&'static str, T)]) -> &'static str {
    all.iter().find(|(_, one)| *one == value).map_or("", |(name, _)| name)
}
