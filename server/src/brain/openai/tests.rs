//! The remote brain against a real server over real HTTP: what it makes of good answers, and of every kind of bad
//! one.

mod answers;
pub mod desk;
mod faults;

use std::time::Duration;

use switchboard_tests::fake_openai::{Act, Asked, FakeOpenAi};

use super::*;

/// A brain that is patient enough for a busy machine and quick enough for a test.
async fn brain(with: impl FnOnce(&mut OpenAiConfig)) -> (FakeOpenAi, OpenAi) {
    let model = FakeOpenAi::start().await.unwrap();
    let mut config = OpenAiConfig {
        base_url: model.base_url(),
        api_key: ApiKey::new("sk-test".to_owned()),
        model: "large".to_owned(),
        classifier: Some("small".to_owned()),
        ..OpenAiConfig::default()
    };
    with(&mut config);
    let brain = OpenAi::new(config).unwrap();
    (model, brain)
}

async fn plain_brain() -> (FakeOpenAi, OpenAi) {
    brain(|_| {}).await
}

/// What comes of a question about two passages, and that what was streamed began it.
async fn reply(brain: &OpenAi) -> Result<Reply, BrainError> {
    let (outcome, streamed) = streamed(brain).await;
    if let Ok(reply) = &outcome {
        assert!(reply.text.starts_with(&streamed), "{streamed:?} does not begin {:?}", reply.text);
    }
    outcome
}

async fn streamed(brain: &OpenAi) -> (Result<Reply, BrainError>, String) {
    let case = desk::case("What does it cost?");
    let passages =
        [desk::passage("Prices", "Ten euros a month.", 0.9), desk::passage("Terms", "A year.", 0.5)];
    let mut streamed = String::new();
    let outcome = brain.respond(&case, &passages, &[], &mut |piece| streamed.push_str(piece)).await;
    (outcome, streamed)
}

async fn intent(brain: &OpenAi) -> Result<Classified, BrainError> {
    brain.classify(&desk::case("What does it cost?")).await
}
