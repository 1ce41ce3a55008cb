//! Where the fuzzer starts: the golden examples of every method, as the frames that a client would send.
//!
//! Invariant: seeds follow from the golden files alone, so there is no second copy of them to keep in step.

use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;
use switchboard_protocol::methods::METHODS;
use switchboard_protocol::{RequestId, envelope, limits};

/// Names the folder that the seeds go to; without it, none are written.
const FOLDER: &str = "SWITCHBOARD_FUZZ_SEEDS";

/// Writes the seeds. Runs before the fuzzer reads its corpus.
pub fn plant() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let mut frames = Vec::new();
    for method in METHODS.iter().map(|entry| entry.method.name()) {
        for params in examples(method) {
            let id = RequestId::Integer(i64::try_from(frames.len()).expect("there are few examples"));
            frames.push(envelope::request(&id, method, &params));
        }
    }
    frames.push(envelope::notification("typing", &examples("typing")[0]));
    frames.push(envelope::batch(&frames).expect("there are some"));
    // What the examples, being well-behaved, do not lead to.
    frames.push(envelope::batch(&["{}"; limits::BATCH + 1]).expect("there are some"));
    frames.push(envelope::request(&RequestId::from("ä"), &"ä".repeat(150), &()));
    frames.push(
        r#"{"jsonrpc":"2.0","id":1.5e300,"method":"message\u002esend","params":["\ud83d\ude00"]}"#.to_owned(),
    );
    frames.push(r#"{"jsonrpc":"2.0","id":-0,"result":null}"#.to_owned());
    for (number, frame) in frames.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number:02}.json")), frame)
            .expect("the folder of the seeds is there");
    }
}

fn examples(method: &str) -> Vec<Value> {
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/methods").join(format!("{method}.json"));
    let text = fs::read_to_string(golden).expect("every method has a golden file");
    let file: Value = serde_json::from_str(&text).expect("a golden file is JSON");
    file["params"].as_array().expect("a golden file has a list of parameters").clone()
}
