//! What the doctor makes of what a database answers.

use super::*;
use crate::domain::clock as ours;
use crate::store::StoreError;
use crate::store::migrate::Standing;

fn healthy() -> Health {
    Health {
        facts: Facts {
            version: "18.1".to_owned(),
            number: 180_001,
            read_only: false,
            durable: true,
            missing_extensions: Vec::new(),
            clock_ahead: -3,
        },
        migrations: Ok(vec![Standing { number: 1, name: "0001_foundation", applied_at: Some(ours::now()) }]),
        roles: Ok(()),
        protection: Ok(Protection::default()),
    }
}

#[track_caller]
fn found(health: &Health, verdict: Verdict, parts: &[&str]) {
    let checks = checks(health);
    let wrong: Vec<_> =
        checks.iter().filter(|check| check.verdict != Verdict::Ok).map(ToString::to_string).collect();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(checks.iter().any(|check| check.verdict == verdict), "{wrong:?}");
    for part in parts {
        assert!(wrong[0].contains(part), "{part} is not in: {}", wrong[0]);
    }
}

#[test]
fn nothing_is_wrong_with_a_healthy_database() {
    let checks = checks(&healthy());
    assert_eq!(checks.len(), 7);
    assert!(checks.iter().all(|check| check.verdict == Verdict::Ok), "{checks:?}");
    assert_eq!(checks[0].to_string(), "ok       database           Postgres 18.1");
}

#[test]
fn each_fault_is_told_with_its_remedy() {
    let with = |edit: fn(&mut Health)| {
        let mut health = healthy();
        edit(&mut health);
        health
    };
    let fails = Verdict::Fails;
    found(&with(|it| it.facts.number = 130_000), fails, &["too old", "14"]);
    found(&with(|it| it.facts.read_only = true), fails, &["replica"]);
    found(&with(|it| it.facts.clock_ahead = 61_500), fails, &["61.5 s ahead", "NTP"]);
    found(&with(|it| it.facts.clock_ahead = -2_100), Verdict::Warning, &["2.1 s behind"]);
    found(&with(|it| it.facts.durable = false), Verdict::Warning, &["fsync"]);
    found(
        &with(|it| it.facts.missing_extensions = vec!["vector".to_owned(), "unaccent".to_owned()]),
        Verdict::Warning,
        &["vector (search by meaning", "pgvector", "unaccent ("],
    );
    found(&with(|it| it.roles = Err(StoreError::Stale)), fails, &["GRANT switchboard_app"]);
    let protection = |edit: fn(&mut Protection)| {
        let mut protection = Protection::default();
        edit(&mut protection);
        Health { protection: Ok(protection), ..healthy() }
    };
    found(&protection(|it| it.bypassed = true), fails, &["NOBYPASSRLS"]);
    found(
        &protection(|it| it.unforced = vec!["messages".to_owned()]),
        fails,
        &["messages", "FORCE ROW LEVEL SECURITY"],
    );
    found(&protection(|it| it.opened = vec!["everyone on users".to_owned()]), fails, &["everyone on users"]);
    found(&protection(|it| it.leaks = true), fails, &["not named"]);
}

#[test]
fn before_the_migrations_nothing_is_said_of_roles() {
    let mut health = healthy();
    health.migrations = Ok(vec![Standing { number: 1, name: "0001_foundation", applied_at: None }]);
    health.roles = Err(StoreError::Stale);
    found(&health, Verdict::Warning, &["0001_foundation", "switchboard migrate up"]);
}

#[test]
fn steps_grow_and_shrink_with_the_time_they_take() {
    let after = |limit, milliseconds| next_limit(limit, Duration::from_millis(milliseconds));
    assert_eq!(after(1_000, 5), 2_000);
    assert_eq!(after(1_000, 40), 1_000);
    assert_eq!(after(1_000, 60), 500);
    assert_eq!(after(1_000, 500), 250);
    assert_eq!(after(10_000, 1), 10_000);
    assert_eq!(after(120, 500), 100);
}
