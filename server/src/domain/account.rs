//! Accounts of people, and what counts as an address and as a password.

use switchboard_protocol::ids::AccountId;
use switchboard_protocol::limits::{EMAIL, PASSWORD, PASSWORD_LEAST};
use uuid::Uuid;

/// Somebody with an e-mail address and a password, in all workspaces that have given them a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub email: String,
    pub name: String,
}

/// One log-in of an account: all tokens that came of it end together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoginId(Uuid);

impl LoginId {
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for LoginId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

/// What somebody is called who did not say.
pub fn name_of(email: &str) -> &str {
    email.split('@').next().unwrap_or(email)
}

/// Only what is surely none is refused.
pub fn is_email(text: &str) -> bool {
    let has_two_parts = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    has_two_parts
        && text.chars().count() <= EMAIL
        && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control())
}

/// Whether somebody may choose this password. Length is all that is asked for: rules about signs make worse ones.
pub fn is_password(text: &str) -> bool {
    (PASSWORD_LEAST..=PASSWORD).contains(&text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_parts_and_no_spaces() {
        for good in ["kim@shop.example", "a@b", "\u{f6}@m\u{fc}nchen.example", "kim+desk@shop.example"] {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@b", "a".repeat(EMAIL));
        for wrong in ["", "kim", "@shop.example", "kim@", "kim @shop.example", "kim@shop\n.example", &long] {
            assert!(!is_email(wrong), "{wrong}");
        }
        assert_eq!(name_of("kim@shop.example"), "kim");
    }

    #[test]
    fn a_password_is_measured_in_characters() {
        for (text, fits) in [
            ("7 chars".to_owned(), false),
            ("8 chars!".to_owned(), true),
            ("\u{1f600}".repeat(8), true),
            ("\u{1f600}".repeat(1_024), true),
            ("x".repeat(1_025), false),
        ] {
            assert_eq!(is_password(&text), fits, "{} characters", text.chars().count());
        }
    }
}
