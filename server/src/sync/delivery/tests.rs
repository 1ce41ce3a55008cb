//! What becomes of a parcel, whatever the sink answers.

use std::collections::VecDeque;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::sync::pace::Rules;

const HOUR: Duration = Duration::from_hours(1);

/// Answers as it is told, then takes everything but the contacts that it refuses; it remembers the parcels.
#[derive(Default)]
struct Told {
    next: Mutex<VecDeque<Fault>>,
    poison: &'static [&'static str],
    parcels: Mutex<Vec<Vec<String>>>,
}

impl Sink for Told {
    fn put<'a>(&'a self, parcel: Parcel<'a>) -> BoxFuture<'a, Result<Put, Fault>> {
        let contacts: Vec<_> = parcel.insights.iter().map(|insight| insight.contact.clone()).collect();
        let refused = contacts.iter().any(|contact| self.poison.contains(&contact.as_str()));
        self.parcels.lock().unwrap().push(contacts);
        let outcome = match self.next.lock().unwrap().pop_front() {
            Some(fault) => Err(fault),
            None if refused => Err(Fault::Refused("poison".to_owned())),
            None => Ok(Put { created: 1, updated: i64::try_from(parcel.insights.len()).unwrap() - 1 }),
        };
        Box::pin(async move { outcome })
    }
}

/// Delivers ten contacts, without a pause that one would notice.
async fn delivered(sink: &Told, give_up: Duration) -> Result<Delivered, Shut> {
    let pace = Pace::new(Rules { window: Duration::ZERO, spacing: Duration::ZERO });
    pace.allow_until(Instant::now() + Duration::from_hours(100));
    let insights: Vec<_> = (0..10).map(|n| Insight::example(&format!("c{n}"), &json!({}))).collect();
    let parcel = Parcel { workspace: Uuid::nil().into(), job: Uuid::nil(), insights: &insights };
    let moment = Duration::from_millis(1);
    deliver(sink, &pace, &Patience { busy: moment, least: moment, most: moment, give_up }, parcel).await
}

#[tokio::test]
async fn a_poison_contact_is_named_and_the_others_are_taken() {
    let sink = Told { poison: &["c3", "c8"], ..Told::default() };
    let Delivered { tally, failures } = delivered(&sink, HOUR).await.unwrap();
    assert_eq!((tally.processed, tally.failed, tally.created + tally.updated), (10, 2, 8));
    let named: Vec<_> = failures.iter().map(|failure| failure.subject.as_str()).collect();
    assert_eq!(named, ["c3", "c8"]);
    assert!(failures.iter().all(|failure| failure.reason == "poison"));
    let parcels = sink.parcels.lock().unwrap().clone();
    assert!(parcels.len() <= 15, "halves, not one by one: {parcels:?}");
}

#[tokio::test]
async fn what_was_not_taken_is_sent_again_as_it_was() {
    let faults = [Fault::Away("it broke".into()), Fault::Busy(None), Fault::Busy(Some(Duration::ZERO))];
    let sink = Told { next: Mutex::new(faults.into()), ..Told::default() };
    let Delivered { tally, failures } = delivered(&sink, HOUR).await.unwrap();
    assert_eq!((tally.processed, tally.created, tally.updated, failures.len()), (10, 1, 9, 0));
    let parcels = sink.parcels.lock().unwrap().clone();
    assert!(parcels.len() == 4 && parcels.iter().all(|parcel| parcel.len() == 10), "{parcels:?}");
}

#[tokio::test]
async fn a_sink_that_is_shut_or_away_for_good_stops_the_job() {
    let sink = Told { next: Mutex::new([Fault::Shut("no token".into())].into()), ..Told::default() };
    assert_eq!(delivered(&sink, HOUR).await, Err(Shut("no token".to_owned())));
    let sink = Told { next: Mutex::new([Fault::Away("it broke".into())].into()), ..Told::default() };
    let Err(Shut(why)) = delivered(&sink, Duration::ZERO).await else { panic!("it stops") };
    assert!(why.contains("it broke") && sink.parcels.lock().unwrap().len() == 1, "{why}");
}

#[test]
fn a_pause_doubles_up_to_a_bound() {
    let patience = Patience::default();
    let seconds = |attempt, chance| pause(&patience, attempt, chance).as_secs_f64();
    let steps: Vec<f64> = (0..7).map(|attempt| seconds(attempt, 0.5)).collect();
    assert_eq!(steps, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
    assert_eq!((seconds(0, 0.0), seconds(1_000_000, 1.0)), (0.75, 37.5));
}
