//! The security check: what somebody has to tell before anything is done about what only they may know. It collects;
//! a person compares.

use super::{Need, Turn, hand_over, joined};
use crate::domain::clock::Timestamp;
use crate::domain::escalation::Trigger;
use crate::domain::preset::{Category, Intent, Placeholder};
use crate::domain::workflow::{Awaiting, Check, Outcome, Pending};

impl Turn {
    /// Where the security check stands between: asks for what is to be told.
    pub(super) fn begin_checking(&mut self, intent: &Intent, lead: &str, now: Timestamp) -> Option<Need> {
        let preset = self.brief.preset.clone();
        let security = preset.security.as_ref()?;
        if self.brief.verified && security.accept_verified {
            return None;
        }
        let check = Check {
            intent: intent.name.clone(),
            request: self.brief.question.clone(),
            told: Vec::new(),
            asked: 1,
        };
        let missing: Vec<String> = security.proofs.iter().map(|proof| proof.label.clone()).collect();
        let details = hand_over::listed(&missing, &preset.texts);
        let ask = preset.texts.security_ask.render(&[(Placeholder::Details, &details)]);
        let mut conclusion = self.conclusion(joined(lead, &ask), Outcome::Asked, Some(intent));
        conclusion.memory.check = Some(check);
        conclusion.awaiting = Some(Awaiting::Confirmation);
        Some(self.finish(conclusion, now))
    }

    pub(super) fn go_on_checking(&mut self, mut check: Check, now: Timestamp) -> Need {
        let preset = self.brief.preset.clone();
        let proofs = preset.security.as_ref().map(|security| security.proofs.as_slice()).unwrap_or_default();
        for proof in proofs {
            if !check.told.contains(&proof.name) && proof.pattern.is_match(&self.brief.question) {
                check.told.push(proof.name.clone());
            }
        }
        let missing: Vec<String> = proofs
            .iter()
            .filter(|proof| !check.told.contains(&proof.name))
            .map(|proof| proof.label.clone())
            .collect();
        let attempts = preset.security.as_ref().map_or(0, |security| security.attempts);
        let intent = preset.intent(&check.intent);
        if !missing.is_empty() && check.asked < attempts {
            check.asked += 1;
            let details = hand_over::listed(&missing, &preset.texts);
            let text = preset.texts.security_again.render(&[(Placeholder::Details, &details)]);
            let mut conclusion = self.conclusion(text, Outcome::Asked, intent);
            conclusion.memory.check = Some(check);
            conclusion.awaiting = Some(Awaiting::Confirmation);
            return self.finish(conclusion, now);
        }
        self.brief.memory.check = None;
        let (lead, reason) = if missing.is_empty() {
            let name = self.name_value();
            (
                preset.texts.security_passed.render(&name),
                "the visitor told what the security check asks; compare it",
            )
        } else {
            (preset.texts.security_failed.render(&[]), "the visitor did not pass the security check")
        };
        let trigger = match intent.map(|intent| intent.category) {
            Some(Category::HumanOnly) => Trigger::HumanOnly,
            _ => Trigger::Sensitive,
        };
        let pending = Pending {
            intent: Some(check.intent),
            priority: intent.map_or(0, |intent| intent.priority.rank()),
            request: check.request,
            ..self.pending(trigger, reason.to_owned())
        };
        self.hand_over(pending, &lead, now)
    }
}
