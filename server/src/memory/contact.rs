//! Which contact a visitor is.
//!
//! Invariant: only an id that the host has signed leads to a contact of the host's own; whoever else told how they can be
//! reached is a contact by themselves, so that nobody writes into what is known of another.

use serde_json::{Value, json};

use crate::domain::escalation::Contact;
use crate::domain::experience::Experience;

/// Somebody whose conversations become insights.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub contact: String,
    pub name: Option<String>,
    /// Of a contact of our own: who it is. That of the host's is the host's.
    pub metadata: Option<Value>,
}

/// The contact of a conversation's visitor; nothing for one who is not known. Who is erased is looked for under the same
/// names in `people/contacts.sql`.
pub fn of(experience: &Experience) -> Option<Known> {
    let told = experience
        .known
        .iter()
        .chain(experience.escalations.iter().filter_map(|asked| asked.contact.as_ref()));
    let told: Vec<&Contact> = told.collect();
    let first = |value: fn(&Contact) -> &Option<String>| {
        let mut said = told.iter().filter_map(|contact| value(contact).as_ref());
        said.find(|said| !said.trim().is_empty()).cloned()
    };
    let (name, email, phone) =
        (first(|told| &told.name), first(|told| &told.email), first(|told| &told.phone));
    match &experience.external_id {
        Some(id) if experience.verified => Some(Known { contact: id.clone(), name, metadata: None }),
        _ if email.is_some() || phone.is_some() => Some(Known {
            contact: format!("visitor:{}", experience.visitor),
            name,
            metadata: Some(json!({ "visitor_id": experience.visitor, "email": email, "phone": phone })),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::distil::tests::answered_by_agent;
    use super::*;

    fn told(name: &str, email: Option<&str>, phone: Option<&str>) -> Contact {
        let text = |text: &str| text.to_owned();
        Contact { name: Some(text(name)), email: email.map(text), phone: phone.map(text) }
    }

    #[test]
    fn a_signed_id_is_the_hosts_contact() {
        let mut of_host = answered_by_agent();
        (of_host.external_id, of_host.verified) = (Some("C-1".to_owned()), true);
        of_host.known = vec![told("Ada", Some("ada@example.org"), None)];
        let known = Known { contact: "C-1".to_owned(), name: Some("Ada".to_owned()), metadata: None };
        assert_eq!(of(&of_host), Some(known));
    }

    #[test]
    fn who_only_says_so_writes_into_nobody_elses() {
        let mut claimed = answered_by_agent();
        claimed.external_id = Some("C-1".to_owned());
        claimed.known = vec![told("Ada", Some(" "), None), told("Ann", None, Some("+44 20 7946 0958"))];
        let known = of(&claimed).unwrap();
        assert_eq!(known.contact, format!("visitor:{}", claimed.visitor));
        assert_eq!(known.metadata.unwrap()["phone"], "+44 20 7946 0958");
    }

    #[test]
    fn who_cannot_be_reached_is_nobody() {
        let mut nobody = answered_by_agent();
        nobody.known = vec![told("Ada", None, None)];
        assert_eq!(of(&nobody), None);
        nobody.external_id = Some("C-1".to_owned());
        assert_eq!(of(&nobody), None);
    }
}
