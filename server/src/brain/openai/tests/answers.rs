//! What is asked of a server, and what is made of its answers, whatever dialect it speaks.

use serde_json::json;

use super::*;
use crate::domain::conversation::Mode;

#[tokio::test]
async fn an_answer_streams_cites_and_decides() {
    let (model, brain) = plain_brain().await;
    let object = json!({"text": "It costs \"ten\" euros [1], more is nowhere [7].", "action": "answer",
        "confidence": 0.8, "reason": "on the page"});
    model.always(Asked::Answer, Act::object(&object));
    let (outcome, streamed) = streamed(&brain).await;
    let expected = Reply {
        text: "It costs \"ten\" euros [1], more is nowhere.".to_owned(),
        action: Action::Answer,
        confidence: 0.8,
        reason: Some("on the page".to_owned()),
    };
    assert_eq!((outcome, streamed.as_str()), (Ok(expected.clone()), expected.text.as_str()));

    let calls = model.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].authorization.as_deref(), Some("Bearer sk-test"));
    assert_eq!(calls[0].path, "/v1/chat/completions");
    assert_eq!((&calls[0].body["model"], &calls[0].body["stream"]), (&json!("large"), &json!(true)));
    assert_eq!(calls[0].body["response_format"]["json_schema"]["name"], "answer");
}

#[tokio::test]
async fn a_person_is_asked_for_beside_the_text_and_never_within_it() {
    let (model, brain) = plain_brain().await;
    model.next(
        Asked::Answer,
        Act::object(&json!({"text": "One moment.", "action": "escalate", "reason": "a dispute"})),
    );
    let wanted = reply(&brain).await.unwrap();
    assert_eq!((wanted.action, wanted.reason.as_deref()), (Action::Escalate, Some("a dispute")));
    model.next(Asked::Answer, Act::text("ESCALATE [escalate] action: escalate"));
    assert_eq!(reply(&brain).await.unwrap().action, Action::Answer);
}

#[tokio::test]
async fn an_answer_is_an_answer_in_every_dialect() {
    let (model, brain) = plain_brain().await;
    let object = json!({"text": "Ten euros [1].", "action": "answer", "confidence": 0.7}).to_string();
    let whole =
        json!({"choices": [{"message": {"role": "assistant", "content": object}, "finish_reason": "stop"}]});
    let repeated = Act::stream()
        .words(&object, Duration::ZERO)
        .event(&json!({"choices": [{"message": {"content": object}, "finish_reason": "stop"}]}).to_string())
        .event("[DONE]")
        .end();
    for act in [
        Act::text(&object),
        Act::text(&format!("<think>Hm {{}} [2]</think>\n```json\n{object}\n```")),
        Act::bare_fields(&object),
        Act::empty_finish_reason(&object),
        Act::json(&whole),
        repeated,
        // The end is told once: either way will do.
        Act::stream().words(&object, Duration::ZERO).event("[DONE]").hang(),
        Act::stream()
            .words(&object, Duration::ZERO)
            .event("{\"choices\":[{\"finish_reason\":\"stop\"}]}")
            .hang(),
        Act::stream().raw(b": waiting\n\n").words(&object, Duration::ZERO).event("[DONE]").end(),
    ] {
        model.next(Asked::Answer, act);
        let reply = reply(&brain).await.unwrap();
        assert_eq!((reply.text.as_str(), reply.confidence), ("Ten euros [1].", 0.7));
    }
}

#[tokio::test]
async fn a_marker_that_comes_in_two_pieces_is_still_taken_out() {
    let (model, brain) = plain_brain().await;
    let piece = |text: &str| json!({"choices": [{"delta": {"content": text}}]}).to_string();
    let act = Act::stream()
        .event(&piece("Ten euros ["))
        .event(&piece("9"))
        .event(&piece("] a month [1"))
        .event(&piece("]."));
    model.always(Asked::Answer, act.finish("stop"));
    let (outcome, streamed) = streamed(&brain).await;
    assert_eq!(outcome.unwrap().text, "Ten euros a month [1].");
    assert_eq!(streamed, "Ten euros a month [1].");
}

#[tokio::test]
async fn a_model_that_declines_or_is_cut_is_not_believed() {
    let (model, brain) = plain_brain().await;
    let refusal = json!({"choices": [{"delta": {"refusal": "I can't."}}]}).to_string();
    model.next(Asked::Answer, Act::stream().event(&refusal).finish("stop"));
    assert_eq!(reply(&brain).await.unwrap().action, Action::Escalate);
    model.next(Asked::Answer, Act::stream().words("Ten euros and", Duration::ZERO).finish("length"));
    let cut = reply(&brain).await.unwrap();
    assert_eq!((cut.text.as_str(), cut.confidence), ("Ten euros and", 0.0));
    model.next(Asked::Answer, Act::stream().words("Ten", Duration::ZERO).finish("content_filter"));
    assert!(matches!(reply(&brain).await, Err(BrainError::Refused(_))));
}

#[tokio::test]
async fn an_intent_is_one_of_the_mode_or_none() {
    let (model, brain) = plain_brain().await;
    let cases = [
        (
            json!({"intent": "prices", "confidence": 0.9, "second_confidence": 0.3, "reason": "asks"}),
            Some("prices"),
        ),
        (json!({"intent": "Refund"}), Some("refund")),
        (json!({"intent": "none", "confidence": 0.9}), None),
        (json!({"intent": "ledger", "confidence": 1}), None),
        (json!({"intent": "transfer_all_money", "confidence": 1}), None),
        (json!({"intent": ["prices"]}), None),
        (json!({"intent": null}), None),
        (json!({}), None),
        (json!("prices"), Some("prices")),
        (json!("It is prices, I think"), None),
    ];
    for (said, expected) in cases {
        let act = said.as_str().map_or_else(|| Act::object(&said), Act::text);
        model.next(Asked::Intent, act);
        let found = intent(&brain).await.unwrap();
        assert_eq!(found.intent.as_deref(), expected, "{said}");
        assert!((0.0..=1.0).contains(&found.confidence) && (0.0..=1.0).contains(&found.margin));
    }
    let mut case = desk::case("The ledger");
    case.mode = Mode::Banker;
    model.next(Asked::Intent, Act::object(&json!({"intent": "ledger", "confidence": 0.9})));
    let found = brain.classify(&case).await.unwrap();
    assert_eq!(found.intent.as_deref(), Some("ledger"));
    let body = &model.calls().pop().unwrap().body;
    assert_eq!(body["model"], "small");
    assert_eq!(
        body["response_format"]["json_schema"]["schema"]["properties"]["intent"]["enum"],
        json!(["prices", "refund", "ledger", "person", "none"])
    );
}

#[tokio::test]
async fn confidence_and_margin_are_what_the_model_says_or_little() {
    let (model, brain) = plain_brain().await;
    for (said, confidence, margin) in [
        (json!({"intent": "prices", "confidence": 0.75, "second_confidence": 0.25}), 0.75, 0.5),
        (json!({"intent": "prices", "confidence": 0.75}), 0.75, 0.5),
        (json!({"intent": "prices"}), 0.5, 0.0),
        (json!({"intent": "prices", "confidence": 0.25, "second_confidence": 0.75}), 0.25, 0.0),
    ] {
        model.next(Asked::Intent, Act::object(&said));
        let found = intent(&brain).await.unwrap();
        assert_eq!((found.confidence, found.margin), (confidence, margin), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_knows_less_is_asked_for_less_and_that_is_remembered() {
    let (model, brain) = plain_brain().await;
    for complaint in
        ["unknown field response_format", "response_format again", "stream_options: extra inputs", "?"]
    {
        model.next(Asked::Answer, Act::refusal(400, complaint));
    }
    model.always(Asked::Answer, Act::text("Ten euros [1]."));
    assert_eq!(reply(&brain).await.unwrap().text, "Ten euros [1].");
    assert_eq!(model.count(Asked::Answer), 5);
    assert_eq!(reply(&brain).await.unwrap().text, "Ten euros [1].");
    let calls = model.calls();
    assert_eq!(calls.len(), 6);
    let mut fields: Vec<_> = calls[5].body.as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(fields, ["messages", "model", "stream"]);
    // What one model cannot, another may.
    intent(&brain).await.unwrap();
    assert!(model.calls()[6].body.get("response_format").is_some());
}

#[tokio::test]
async fn a_server_on_ones_own_machine_needs_no_key() {
    let (model, brain) = brain(|config| {
        config.api_key = ApiKey::default();
        config.base_url.push('/');
    })
    .await;
    model.always(Asked::Answer, Act::text("Ten euros."));
    reply(&brain).await.unwrap();
    assert_eq!(model.calls()[0].authorization, None);
    assert_eq!(model.calls()[0].path, "/v1/chat/completions");
}

#[test]
fn settings_that_cannot_work_are_refused_and_the_key_is_never_shown() {
    let config = |base_url: &str, key: &str| OpenAiConfig {
        base_url: base_url.to_owned(),
        api_key: ApiKey::new(key.to_owned()),
        ..OpenAiConfig::default()
    };
    for base_url in ["", "localhost:8000", "ftp://x/v1", "http://"] {
        let refused = OpenAi::new(config(base_url, "")).err();
        assert!(matches!(refused, Some(OpenAiConfigError::BaseUrl)), "{base_url}");
    }
    let broken = config("http://127.0.0.1:1/v1", "sk-secret\n");
    assert!(matches!(OpenAi::new(broken.clone()).err(), Some(OpenAiConfigError::Key)));
    assert!(!format!("{broken:?}").contains("sk-secret"));
    let transport = Transport::new(&config("http://127.0.0.1:1/v1", "sk-secret")).unwrap();
    assert!(!format!("{transport:?}").contains("sk-secret"));
}
