//! What may be asked of a server beyond the messages, learnt from what it refuses.
//!
//! Invariant: every step asks for less, so a server is asked at most a few times before it is taken at its word.

use serde_json::{Value, json};

use super::prompt::Message;

/// Which optional parts of the language a server and its model understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    form: Form,
    cap: Cap,
    usage: bool,
    temperature: bool,
}

/// How an answer is held to its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Schema,
    Object,
    /// By the prompt alone.
    Asked,
}

/// How an answer is held to its length. Each name has servers that refuse the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cap {
    Tokens,
    CompletionTokens,
    Nothing,
}

/// One question to a model.
#[derive(Debug)]
pub struct Request<'a> {
    pub model: &'a str,
    pub messages: &'a [Message],
    /// The name of the form of the answer, and its JSON Schema.
    pub form: (&'a str, &'a Value),
    pub tokens: u32,
    pub temperature: Option<f32>,
}

impl Dialect {
    pub fn new(base_url: &str) -> Self {
        // Its newer models refuse the older name; all others know that one at least.
        let cap = if base_url.contains("api.openai.com") { Cap::CompletionTokens } else { Cap::Tokens };
        Self { form: Form::Schema, cap, usage: true, temperature: true }
    }

    pub fn body(self, request: &Request<'_>) -> Value {
        let mut body = json!({ "model": request.model, "messages": request.messages, "stream": true });
        let (name, schema) = request.form;
        match self.form {
            Form::Schema => {
                body["response_format"] = json!({
                    "type": "json_schema",
                    "json_schema": { "name": name, "strict": true, "schema": schema },
                });
            }
            Form::Object => body["response_format"] = json!({ "type": "json_object" }),
            Form::Asked => {}
        }
        match self.cap {
            Cap::Tokens => body["max_tokens"] = json!(request.tokens),
            Cap::CompletionTokens => body["max_completion_tokens"] = json!(request.tokens),
            Cap::Nothing => {}
        }
        if self.usage {
            body["stream_options"] = json!({ "include_usage": true });
        }
        if self.temperature
            && let Some(temperature) = request.temperature
        {
            // Through a text: as a wider float 0.2 would have sixteen digits.
            body["temperature"] = temperature.to_string().parse::<f64>().map_or(Value::Null, Value::from);
        }
        body
    }

    /// What to ask for after such a complaint; nothing where asking for less cannot help.
    pub fn without(self, complaint: &str) -> Option<Self> {
        let complaint = complaint.to_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| complaint.contains(word));
        if names(HOPELESS) {
            return None;
        }
        let mut less = self;
        if self.form != Form::Asked
            && names(&["response_format", "json_schema", "json_object", "structured", "schema"])
        {
            less.form = if self.form == Form::Schema { Form::Object } else { Form::Asked };
        } else if self.usage && names(&["stream_options", "include_usage"]) {
            less.usage = false;
        } else if self.temperature && names(&["temperature"]) {
            less.temperature = false;
        } else if self.cap == Cap::Tokens && names(&["max_tokens"]) {
            less.cap = Cap::CompletionTokens;
        } else if self.cap == Cap::CompletionTokens && names(&["max_completion_tokens"]) {
            less.cap = Cap::Nothing;
        } else {
            less = BARE;
        }
        (less != self).then_some(less)
    }
}

/// The messages and nothing else, which everyone understands.
const BARE: Dialect = Dialect { form: Form::Asked, cap: Cap::Nothing, usage: false, temperature: false };

/// Complaints about the messages themselves.
const HOPELESS: &[&str] = &[
    "context_length_exceeded",
    "maximum context length",
    "content_filter",
    "content_policy",
    "insufficient_quota",
    "model_not_found",
];

#[cfg(test)]
mod tests {
    use super::*;

    const OPENAI: &str = "https://api.openai.com/v1";

    fn body(dialect: Dialect) -> Value {
        let messages = [Message { role: "user", content: "Hello".to_owned() }];
        let schema = json!({"type": "object"});
        dialect.body(&Request {
            model: "m",
            messages: &messages,
            form: ("answer", &schema),
            tokens: 100,
            temperature: Some(0.2),
        })
    }

    #[test]
    fn everything_is_asked_for_at_first_and_only_the_messages_at_last() {
        assert_eq!(
            body(Dialect::new(OPENAI)),
            json!({
                "model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": true,
                "response_format": {"type": "json_schema",
                    "json_schema": {"name": "answer", "strict": true, "schema": {"type": "object"}}},
                "max_completion_tokens": 100, "stream_options": {"include_usage": true}, "temperature": 0.2,
            })
        );
        assert_eq!(
            body(BARE),
            json!({"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": true})
        );
    }

    #[test]
    fn what_a_server_refuses_by_name_is_left_out_and_the_rest_stays() {
        let dialect = Dialect::new("http://127.0.0.1:8000/v1");
        let after = |complaint| body(dialect.without(complaint).unwrap());
        assert_eq!(
            after("'response_format.type' must be one of text, json_object")["response_format"],
            json!({"type": "json_object"})
        );
        assert!(after("Extra inputs are not permitted: stream_options").get("stream_options").is_none());
        assert!(after("Unsupported value: 'temperature'").get("temperature").is_none());
        let after = after("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.");
        assert_eq!((after.get("max_tokens"), &after["max_completion_tokens"]), (None, &json!(100)));
        assert!(after.get("temperature").is_some() && after.get("response_format").is_some());
    }

    #[test]
    fn a_complaint_that_names_nothing_leaves_the_messages() {
        assert_eq!(Dialect::new(OPENAI).without("bad request"), Some(BARE));
        assert_eq!(BARE.without("bad request"), None);
        assert_eq!(Dialect::new(OPENAI).without("This model's maximum context length is 8192"), None);
    }

    #[test]
    fn it_comes_to_an_end_whatever_is_complained_of() {
        let everything = "response_format stream_options temperature max_tokens max_completion_tokens";
        let mut dialect = Some(Dialect::new("http://x"));
        let mut steps = 0;
        while let Some(next) = dialect.and_then(|dialect| dialect.without(everything)) {
            (dialect, steps) = (Some(next), steps + 1);
        }
        assert_eq!((dialect, steps), (Some(BARE), 6));
    }
}
