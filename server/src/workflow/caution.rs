//! Two opinions about what a visitor wants, a remote model's and the desk's own, and which of them counts.
//!
//! Invariant: what the desk itself knows to be for people goes to people; a model may add to that and take nothing away.

use crate::domain::conversation::Mode;
use crate::domain::preset::{Intent, Kind, Preset};
use crate::domain::turn::Classified;

/// The intent, when the classifier is sure enough of it, and this mode has it.
pub fn understood<'p>(classified: &Classified, preset: &'p Preset, mode: Mode) -> Option<&'p Intent> {
    let intent = preset.intent(classified.intent.as_deref()?)?;
    let sure = f64::from(classified.confidence) >= preset.thresholds.intent;
    (sure && intent.modes.contains(&mode)).then_some(intent)
}

/// What a model has advised, unless the desk's own classifier knows the question to be for people.
pub fn more_careful(advised: Classified, own: Classified, preset: &Preset, mode: Mode) -> Classified {
    let for_people = |classified| {
        understood(classified, preset, mode)
            .is_some_and(|intent| intent.category.goes_to_a_person() || intent.kind == Kind::HumanRequest)
    };
    if for_people(&advised) || !for_people(&own) {
        return advised;
    }
    let said = advised.intent.as_deref().unwrap_or("nothing that the desk covers");
    let reason = format!("the desk's own examples say so; the model said {said}");
    Classified { reason, ..own }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(intent: &str, confidence: f32) -> Classified {
        Classified { intent: Some(intent.to_owned()), confidence, ..Classified::default() }
    }

    #[track_caller]
    fn check(advised: (&str, f32), own: (&str, f32), counts: &str) {
        let preset = Preset::load("bank").unwrap();
        let (advised, own) = (classified(advised.0, advised.1), classified(own.0, own.1));
        let careful = more_careful(advised, own, &preset, Mode::Customer);
        assert_eq!(careful.intent.as_deref(), Some(counts));
    }

    #[test]
    fn a_model_may_send_to_people_and_may_not_keep_from_them() {
        let preset = Preset::load("bank").unwrap();
        let of = |goes: bool| {
            let here =
                |intent: &&Intent| intent.modes.contains(&Mode::Customer) && intent.kind == Kind::Question;
            let found = preset.intents.iter().filter(here).find(|it| it.category.goes_to_a_person() == goes);
            found.unwrap().name.as_str()
        };
        let (automatable, for_people) = (of(false), of(true));
        check((automatable, 1.0), (for_people, 0.9), for_people);
        check((for_people, 0.9), (automatable, 1.0), for_people);
        // Neither a guess of the desk's own nor one of the model's is a reason.
        check((automatable, 1.0), (for_people, 0.1), automatable);
        check((for_people, 0.1), (for_people, 0.9), for_people);
    }
}
