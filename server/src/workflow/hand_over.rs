//! The way to a person: contact details first where some are missing, then what that person is told.

use super::{Conclusion, Need, Turn, contact, joined};
use crate::domain::clock::Timestamp;
use crate::domain::escalation::Contact;
use crate::domain::preset::{Detail, Placeholder, Texts};
use crate::domain::workflow::{Awaiting, Outcome, Pending};

/// What is written into an escalation.
#[derive(Clone, Debug, PartialEq)]
pub struct HandOver {
    pub pending: Pending,
    pub contact: Contact,
    pub summary: String,
}

impl Turn {
    /// Hands over, or asks for what is missing to do so, as often as the desk allows.
    pub(super) fn hand_over(&mut self, pending: Pending, lead: &str, now: Timestamp) -> Need {
        let preset = self.brief.preset.clone();
        let texts = &preset.texts;
        let known = self.known_contact();
        let missing = self.missing(&known);
        let intent = pending.intent.as_deref().and_then(|name| preset.intent(name));
        let asked = self.brief.memory.asked;
        if !missing.is_empty() && asked < preset.contact.attempts {
            let details = listed(&missing, texts);
            let ask = if asked == 0 { &texts.ask_contact } else { &texts.ask_contact_again };
            let text = joined(lead, &ask.render(&[(Placeholder::Details, &details)]));
            let mut conclusion = self.conclusion(text, Outcome::Asked, intent);
            conclusion.reason = Some(pending.reason.clone());
            conclusion.memory.asked = asked + 1;
            conclusion.memory.pending = Some(pending);
            conclusion.awaiting = Some(Awaiting::ContactDetails);
            return self.finish(conclusion, now);
        }
        let name: Vec<_> = known.name.as_deref().map(|name| (Placeholder::Name, name)).into_iter().collect();
        let thanks =
            if asked > 0 && missing.is_empty() { texts.contact_thanks.render(&name) } else { String::new() };
        let opening = preset
            .hours
            .as_ref()
            .filter(|hours| !hours.open_at(now))
            .map(|hours| hours.next_opening(now).map(|opening| hours.in_words(opening, now, texts)));
        let handing = match &opening {
            None => texts.handover.render(&name),
            Some(opening) => {
                let mut values = name.clone();
                values.extend(opening.as_deref().map(|opening| (Placeholder::Opening, opening)));
                texts.handover_closed.render(&values)
            }
        };
        let mut conclusion =
            self.conclusion(joined(&joined(lead, &thanks), &handing), Outcome::Escalated, intent);
        conclusion.memory.pending = None;
        conclusion.memory.check = None;
        conclusion.memory.asked = 0;
        conclusion.memory.contact = known.clone();
        conclusion.reason = Some(pending.reason.clone());
        conclusion.awaiting = Some(Awaiting::Staff);
        let summary = self.summary(&pending, &conclusion);
        conclusion.hand_over = Some(HandOver { pending, contact: known, summary });
        self.finish(conclusion, now)
    }

    fn known_contact(&self) -> Contact {
        contact::merged(&self.brief.known, self.brief.memory.contact.clone())
    }

    fn missing(&self, known: &Contact) -> Vec<String> {
        let required = self.brief.preset.contact.required.iter();
        let texts = &self.brief.preset.texts;
        required.filter(|detail| !has(known, **detail)).map(|detail| label(*detail, texts)).collect()
    }

    /// In words, what is still to be told before a hand-over.
    pub(super) fn missing_details(&self) -> String {
        listed(&self.missing(&self.known_contact()), &self.brief.preset.texts)
    }

    /// Two lines that a person reads before the transcript.
    fn summary(&self, pending: &Pending, conclusion: &Conclusion) -> String {
        let about = conclusion
            .intent
            .as_deref()
            .and_then(|name| self.brief.preset.intent(name))
            .map_or("A question that no intent of this desk covers.", |intent| intent.description.as_str());
        let mut request: String = pending.request.chars().take(300).collect();
        if request.len() < pending.request.len() {
            request.push('…');
        }
        format!("{about}\nAsked: “{request}” Handed over because {}.", pending.reason)
    }
}

fn has(contact: &Contact, detail: Detail) -> bool {
    match detail {
        Detail::Name => contact.name.is_some(),
        Detail::Email => contact.email.is_some(),
        Detail::Phone => contact.phone.is_some(),
        Detail::EmailOrPhone => contact.email.is_some() || contact.phone.is_some(),
    }
}

fn label(detail: Detail, texts: &Texts) -> String {
    let text = match detail {
        Detail::Name => &texts.detail_name,
        Detail::Email => &texts.detail_email,
        Detail::Phone => &texts.detail_phone,
        Detail::EmailOrPhone => &texts.detail_email_or_phone,
    };
    text.render(&[])
}

/// A list in words.
pub(super) fn listed(parts: &[String], texts: &Texts) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {} {last}", first.join(", "), texts.and.render(&[])),
    }
}
