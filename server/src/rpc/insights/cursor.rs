//! Where a page of insights ended, as text that a client brings back.
//!
//! Invariant: a cursor names the last row that was seen, not how many: what changes before it changes no later page.

use chrono::DateTime;
use switchboard_protocol::RpcError;

use crate::domain::clock::Timestamp;
use crate::domain::insight::{Behind, Insight, Key, Order};
use crate::store::insights::Found;

/// After this row of a list in this order.
pub(super) fn of_row(insight: &Insight, order: Order, descending: bool) -> String {
    let kind = kind(order, descending);
    let contact = &insight.contact;
    match insight.key(order) {
        Key::Time(micros) => format!("{kind}{micros}.{contact}"),
        Key::Name(name) => format!("{kind}{}.{name}{contact}", name.len()),
        Key::Contact => format!("{kind}.{contact}"),
    }
}

pub(super) fn read_row(text: &str, order: Order, descending: bool) -> Result<Behind, RpcError> {
    let read = || {
        let (number, rest) = text.strip_prefix(&kind(order, descending))?.split_once('.')?;
        let (key, contact) = match order {
            Order::ContactId => (Key::Contact, rest),
            Order::MemberName => {
                let (name, contact) = rest.split_at_checked(number.parse().ok()?)?;
                (Key::Name(name.to_owned()), contact)
            }
            Order::UpdatedAt | Order::CreatedAt | Order::GeneratedAt => {
                (Key::Time(time(number)?.timestamp_micros()), rest)
            }
        };
        Some(Behind { key, contact: contact.to_owned() })
    };
    read().ok_or_else(|| RpcError::invalid_param("cursor", "is not one that a list in this order has given"))
}

/// After this row of a search.
pub(super) fn of_found(found: &Found) -> String {
    let Found { contact, score, updated_at, weights } = found;
    let weights: Vec<_> = weights.iter().map(i32::to_string).collect();
    format!("{score}.{}.{}.{contact}", updated_at.timestamp_micros(), weights.join("_"))
}

pub(super) fn read_found(text: &str, words: usize) -> Result<Found, RpcError> {
    let read = || {
        let mut parts = text.splitn(4, '.');
        let score = parts.next()?.parse().ok()?;
        let updated_at = time(parts.next()?)?;
        let weights = parts.next()?.split('_').map(|weight| weight.parse().ok());
        let weights: Vec<i32> = weights.collect::<Option<_>>()?;
        let contact = parts.next()?.to_owned();
        (weights.len() == words && weights.iter().all(|weight| (1..10_000).contains(weight)))
            .then_some(Found { contact, score, updated_at, weights })
    };
    read().ok_or_else(|| RpcError::invalid_param("cursor", "is not one that a search for this has given"))
}

/// A moment that a database can hold.
fn time(micros: &str) -> Option<Timestamp> {
    let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    (at.timestamp().unsigned_abs() < 100_000_000_000).then_some(at)
}

fn kind(order: Order, descending: bool) -> String {
    let letter = match order {
        Order::UpdatedAt => 'u',
        Order::CreatedAt => 'c',
        Order::GeneratedAt => 'g',
        Order::ContactId => 'i',
        Order::MemberName => 'm',
    };
    format!("{letter}{}", if descending { '-' } else { '+' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_goes_on_with_the_weights_that_it_began_with() {
        let found = Found {
            contact: "a.b_c".to_owned(),
            score: 990,
            updated_at: time("1764324000123456").unwrap(),
            weights: vec![300, 690],
        };
        let text = of_found(&found);
        assert_eq!(text, "990.1764324000123456.300_690.a.b_c");
        assert_eq!(read_found(&text, 2).unwrap(), found);
        for bad in [
            "",
            "1",
            "1.2.3",
            "x.1.1_1.a",
            "1.x.1_1.a",
            "1.1.1.a",
            "1.1.1_x.a",
            "1.1.0_1.a",
            "1.9223372036854775807.1_1.a",
        ] {
            assert!(read_found(bad, 2).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_goes_on_in_its_own_order_only() {
        for order in [Order::UpdatedAt, Order::CreatedAt, Order::GeneratedAt] {
            let read = read_row(&format!("{}5.a.b", kind(order, true)), order, true).unwrap();
            assert_eq!(read, Behind { key: Key::Time(5), contact: "a.b".to_owned() });
        }
        let named = read_row("m+4.A.é1.2", Order::MemberName, false).unwrap();
        assert_eq!(named, Behind { key: Key::Name("A.é".to_owned()), contact: "1.2".to_owned() });
        assert_eq!(read_row("i+.1", Order::ContactId, false).unwrap().contact, "1");
        for bad in ["", "u-", "u-5", "u+5.a", "c-5.a", "u-x.a", "m-9.a", "m-1.é"] {
            assert!(read_row(bad, Order::UpdatedAt, true).is_err(), "{bad}");
            assert!(read_row(bad, Order::MemberName, true).is_err(), "{bad}");
        }
    }
}
