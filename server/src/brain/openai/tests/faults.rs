//! Every way in which a server can fail, each with a clean error in its time, and no call more than it takes.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures_util::stream::FuturesUnordered;
use serde_json::json;
use switchboard_tests::patience::eventually;

use super::*;

/// Long enough that no busy machine takes it for a time-out, where none is meant.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(150);

#[tokio::test]
async fn what_failed_before_its_first_byte_is_sent_again() {
    let (model, brain) = plain_brain().await;
    model.next(Asked::Answer, Act::status(503));
    model.next(Asked::Answer, Act::hang_up());
    model.always(Asked::Answer, Act::text("Ten euros [1]."));
    assert_eq!(reply(&brain).await.unwrap().text, "Ten euros [1].");
    assert_eq!(model.count(Asked::Answer), 3);
}

#[tokio::test]
async fn a_server_that_only_fails_is_given_up_after_its_attempts() {
    let (model, brain) = plain_brain().await;
    model.always(Asked::Answer, Act::status(500));
    assert_eq!(reply(&brain).await, Err(BrainError::Unreachable("status 500".to_owned())));
    assert_eq!(model.count(Asked::Answer), 3);
    model.always(Asked::Answer, Act::stream());
    assert!(matches!(reply(&brain).await, Err(BrainError::Unreachable(_))), "headers are no answer");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let (model, brain) = plain_brain().await;
    drop(model);
    assert!(matches!(reply(&brain).await, Err(BrainError::Unreachable(_))));
}

#[tokio::test]
async fn a_refusal_is_not_sent_again() {
    for status in [400, 401, 403, 404, 302] {
        let (model, brain) = plain_brain().await;
        model.always(Asked::Answer, Act::refusal(status, "context_length_exceeded"));
        assert_eq!(reply(&brain).await, Err(BrainError::Refused(format!("status {status}"))));
        assert_eq!(model.count(Asked::Answer), 1, "{status}");
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_as_long_as_it_asks() {
    let (model, brain) = plain_brain().await;
    model.next(Asked::Answer, Act::rate_limited("0.4"));
    model.always(Asked::Answer, Act::text("Ten euros."));
    let begun = Instant::now();
    assert_eq!(reply(&brain).await.unwrap().text, "Ten euros.");
    assert!(begun.elapsed() >= Duration::from_millis(400));
    assert_eq!(model.count(Asked::Answer), 2);
}

#[tokio::test]
async fn a_rate_limit_beyond_the_time_of_a_call_is_given_up_at_once_and_respected() {
    let (model, brain) = plain_brain().await;
    model.always(Asked::Answer, Act::rate_limited("120"));
    let begun = Instant::now();
    let asked = Some(Duration::from_mins(2));
    assert_eq!(reply(&brain).await, Err(BrainError::RateLimited { retry_after: asked }));
    assert_eq!(reply(&brain).await, Err(BrainError::Resting));
    assert!(begun.elapsed() < LONG);
    assert_eq!(model.count(Asked::Answer), 1);
}

#[tokio::test]
async fn a_model_that_does_not_begin_is_not_asked_twice() {
    for act in [Act::silence(), Act::stream().hang(), Act::after(LONG * 2, Act::text("late"))] {
        let (model, brain) = brain(|config| config.first_byte = SHORT).await;
        model.always(Asked::Answer, act);
        assert_eq!(reply(&brain).await, Err(BrainError::NoFirstByte));
        assert_eq!(model.count(Asked::Answer), 1);
    }
}

#[tokio::test]
async fn a_model_that_stops_in_the_middle_is_not_asked_twice() {
    for act in [
        Act::stalled("Ten euros "),
        Act::cut("Ten euros "),
        Act::cut("{\"text\":\"Ten euros "),
        // In good order, but nobody said that this was all.
        Act::cut("Ten euros ").end(),
    ] {
        let (model, brain) = brain(|config| config.between = SHORT).await;
        model.always(Asked::Answer, act);
        let (outcome, streamed) = streamed(&brain).await;
        assert_eq!(outcome, Err(BrainError::Stalled));
        assert!("Ten euros".starts_with(&streamed), "{streamed:?}");
        assert_eq!(model.count(Asked::Answer), 1);
    }
}

#[tokio::test]
async fn a_model_that_drips_is_heard_out_within_the_time_of_a_call() {
    let (model, brain) = brain(|config| config.total = Duration::from_secs(1)).await;
    model.next(Asked::Answer, Act::drip("Ten euros a month.", Duration::from_millis(20)));
    assert_eq!(reply(&brain).await.unwrap().text, "Ten euros a month.");
    model.next(Asked::Answer, Act::drip(&"very ".repeat(100), Duration::from_millis(100)));
    let begun = Instant::now();
    assert_eq!(reply(&brain).await, Err(BrainError::TooSlow));
    assert!(begun.elapsed() < LONG);
}

#[tokio::test]
async fn garbage_is_an_error_and_never_shown() {
    for act in [
        Act::garbage(),
        Act::stream().event("<html>").end(),
        Act::stream().raw(b"<html><body>Bad gateway</body></html>").end(),
        Act::stream().raw(&[0xFF; 5000]).end(),
        Act::stream().event("{}").event("[DONE]").end(),
        Act::json(&json!({"nothing": "to read"})),
        Act::text("{\"text\": oops}"),
    ] {
        let (model, brain) = plain_brain().await;
        model.always(Asked::Answer, act.clone());
        let (outcome, streamed) = streamed(&brain).await;
        assert!(matches!(outcome, Err(BrainError::Garbled(_))), "{outcome:?} of {act:?}");
        assert_eq!((streamed.as_str(), model.count(Asked::Answer)), ("", 1));
    }
}

#[tokio::test]
async fn a_failure_within_an_answer_is_one() {
    for (error, expected) in [
        (
            json!({"error": {"message": "x", "code": "rate_limit_exceeded"}}),
            BrainError::RateLimited { retry_after: None },
        ),
        (json!({"error": "upstream"}), BrainError::Unreachable("it failed within its answer".to_owned())),
    ] {
        let (model, brain) = plain_brain().await;
        model.always(Asked::Answer, Act::cut("Ten ").event(&error.to_string()).end());
        assert_eq!(reply(&brain).await, Err(expected));
        assert_eq!(model.count(Asked::Answer), 1);
    }
}

#[tokio::test]
async fn a_stream_without_an_end_is_cut() {
    for act in [Act::endless(), Act::endless_line()] {
        let (model, brain) = brain(|config| config.answer_bytes = 256 * 1024).await;
        model.always(Asked::Answer, act);
        let (outcome, streamed) = streamed(&brain).await;
        assert!(matches!(outcome, Err(BrainError::Garbled(_))), "{outcome:?}");
        assert!(streamed.len() <= 41_000);
        eventually("the connection to close", async || Ok((model.open() == 0).then_some(()))).await.unwrap();
    }
}

#[tokio::test]
async fn a_turn_that_is_cancelled_closes_its_connection() {
    let (model, brain) = plain_brain().await;
    model.always(Asked::Answer, Act::stalled("Ten "));
    {
        let mut asking = std::pin::pin!(reply(&brain));
        let seen = eventually("the call", async || Ok((model.count(Asked::Answer) == 1).then_some(())));
        tokio::select! {
            outcome = &mut asking => panic!("answered with {outcome:?}"),
            seen = seen => seen.unwrap(),
        }
    }
    eventually("the connection to close", async || Ok((model.open() == 0).then_some(()))).await.unwrap();
}

#[tokio::test]
async fn a_server_that_fails_again_and_again_is_left_alone_and_tried_again_later() {
    let (model, brain) = brain(|config| {
        config.attempts = 1;
        config.failures = 2;
        config.rest = Duration::from_secs(1);
    })
    .await;
    model.always(Asked::Answer, Act::status(500));
    for _ in 0..2 {
        assert!(matches!(reply(&brain).await, Err(BrainError::Unreachable(_))));
    }
    assert_eq!(reply(&brain).await, Err(BrainError::Resting));
    assert_eq!(intent(&brain).await, Err(BrainError::Resting), "one breaker for all calls of a server");
    assert_eq!(model.calls().len(), 2);
    model.always(Asked::Answer, Act::text("Ten euros."));
    let recovered = eventually("the end of its rest", async || match reply(&brain).await {
        Err(BrainError::Resting) => Ok(None),
        outcome => Ok(Some(outcome)),
    });
    assert_eq!(recovered.await.unwrap().unwrap().text, "Ten euros.");
    assert_eq!(model.calls().len(), 3);
}

#[tokio::test]
async fn a_workspace_keeps_to_its_budget_and_leaves_others_theirs() {
    let (model, brain) = brain(|config| {
        config.answer_tokens = 100;
        config.tokens_an_hour = Some(1000);
    })
    .await;
    // Each answer is billed at 100 tokens.
    model.always(Asked::Answer, Act::text("Ten euros."));
    let case = desk::case("What does it cost?");
    let mut outcomes = Vec::new();
    for _ in 0..12 {
        outcomes.push(brain.respond(&case, &[], &[], &mut |_| {}).await.map(drop));
    }
    let answered = outcomes.iter().take_while(|outcome| outcome.is_ok()).count();
    // What was set aside beyond the bill came back, so there are more than estimates would allow.
    assert!((7..=9).contains(&answered), "{answered} answers");
    assert!(outcomes[answered..].iter().all(|outcome| *outcome == Err(BrainError::OverBudget)));
    assert_eq!(model.count(Asked::Answer), answered);
    let other = desk::case("What does it cost?");
    assert!(brain.respond(&other, &[], &[], &mut |_| {}).await.is_ok());
}

#[tokio::test]
async fn without_a_bill_tokens_are_estimated_and_a_refused_call_costs_nothing() {
    let (model, brain) = brain(|config| {
        config.answer_tokens = 300;
        config.tokens_an_hour = Some(1500);
    })
    .await;
    let case = desk::case("What does it cost?");
    for _ in 0..10 {
        model.next(Asked::Answer, Act::refusal(404, "no"));
        let refused = brain.respond(&case, &[], &[], &mut |_| {}).await;
        assert!(matches!(refused, Err(BrainError::Refused(_))), "{refused:?}");
    }
    model.always(Asked::Answer, Act::bare_fields(&"word ".repeat(240)));
    let mut answered = 0;
    while brain.respond(&case, &[], &[], &mut |_| {}).await.is_ok() {
        answered += 1;
        assert!(answered < 5, "the budget never ends");
    }
    assert!(answered >= 1);
}

#[tokio::test]
async fn only_so_many_calls_are_under_way_at_once_and_the_rest_waits() {
    let (model, brain) = brain(|config| {
        config.concurrent = 2;
        config.first_byte = Duration::from_millis(300);
    })
    .await;
    for _ in 0..2 {
        model.next(Asked::Answer, Act::silence());
    }
    model.always(Asked::Answer, Act::text("Ten euros."));
    let mut calls: FuturesUnordered<_> = (0..6).map(|_| reply(&brain)).collect();
    // Were there a third one under way, it would have been the first to be answered.
    assert_eq!(calls.next().await, Some(Err(BrainError::NoFirstByte)));
    let rest: Vec<_> = calls.collect().await;
    assert_eq!(rest.iter().filter(|outcome| outcome.is_ok()).count(), 4, "{rest:?}");
}

#[tokio::test]
async fn no_fault_is_reported_with_a_text_a_key_or_an_address() {
    let secret = "sk-test 127.0.0.1 What does it cost Ten euros";
    for act in
        [Act::refusal(400, secret), Act::refusal(500, secret), Act::refusal(429, secret), Act::hang_up()]
    {
        let (model, brain) = brain(|config| config.attempts = 1).await;
        model.always(Asked::Answer, act);
        let told = format!("{:?}", reply(&brain).await.unwrap_err());
        assert!(!secret.split(' ').any(|word| told.contains(word) && word.len() > 3), "{told}");
    }
}

#[tokio::test]
async fn no_text_key_or_answer_is_logged_by_us_or_by_the_library() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // The test's only thread, so that what the library spawns logs here too.
    let _logging = tracing::subscriber::set_default(subscriber);
    let (model, brain) = plain_brain().await;
    for act in [
        Act::status(503),
        Act::text("Ten euros [1]."),
        Act::refusal(400, "Ten euros: context_length_exceeded"),
        Act::garbage(),
        Act::stream().event("Ten euros").end(),
        Act::cut("Ten euros"),
    ] {
        model.next(Asked::Answer, act);
    }
    for _ in 0..5 {
        let _ = reply(&brain).await;
    }
    assert_eq!(model.count(Asked::Answer), 6);
    let logged = log.text();
    assert!(logged.contains("the model is asked again"), "nothing is logged at all:\n{logged}");
    for secret in ["Ten eu", "What does it cost", "sk-test", "Bearer"] {
        assert!(!logged.contains(secret), "{secret:?} is logged:\n{logged}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
