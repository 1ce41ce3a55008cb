//! The JSON Schema of the protocol, made from the types: what `/protocol.json` serves.
//!
//! Invariant: every `$ref` in the document resolves within it.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::auth::ENDPOINTS;
use crate::close::CloseCode;
use crate::error::{ErrorKind, Fault, RpcError};
use crate::methods::METHODS;
use crate::notifications::NOTIFICATIONS;
use crate::{PROTOCOL, limits};

/// The whole contract as one document.
pub fn document() -> Value {
    let mut requests = requests().into_generator();
    let mut answers = answers().into_generator();

    let methods: Map<_, _> = METHODS
        .iter()
        .map(|entry| {
            let schemas = json!({
                "params": (entry.params_schema)(&mut requests),
                "result": (entry.result_schema)(&mut answers),
                "http": entry.method.over_http(),
            });
            (entry.method.name().to_owned(), schemas)
        })
        .collect();
    let notifications: Map<_, _> = NOTIFICATIONS
        .iter()
        .map(|entry| (entry.name.to_owned(), json!({ "params": (entry.params_schema)(&mut answers) })))
        .collect();
    let endpoints: Map<_, _> = ENDPOINTS
        .iter()
        .map(|endpoint| {
            let schemas = json!({
                "body": endpoint.body_schema.map(|body| body(&mut requests)),
                "answer": (endpoint.answer_schema)(&mut answers),
            });
            (endpoint.name.to_owned(), schemas)
        })
        .collect();
    let error = answers.subschema_for::<RpcError>();
    let errors = errors(&mut answers);

    let mut definitions = answers.take_definitions(true);
    definitions.extend(requests.take_definitions(true));
    json!({
        "$schema": SchemaSettings::draft2020_12().meta_schema,
        "protocol": PROTOCOL,
        "methods": methods,
        "notifications": notifications,
        "endpoints": endpoints,
        "error": error,
        "errors": errors,
        "close_codes": close_codes(),
        "limits": {
            "batch": limits::BATCH,
            "visitor_frame_bytes": limits::VISITOR_FRAME,
            "member_frame_bytes": limits::MEMBER_FRAME,
            "rpc_body_bytes": limits::RPC_BODY,
            "page_messages": limits::PAGE_MESSAGES,
            "page_bytes": limits::PAGE_BYTES,
            "ping_seconds": limits::PING.as_secs(),
            "pong_seconds": limits::PONG.as_secs(),
            "open_within_seconds": limits::OPEN_WITHIN.as_secs(),
        },
        "$defs": definitions,
    })
}

/// The schema of one type of parameters, complete in itself, as the document has it.
pub(crate) fn of<T: JsonSchema>() -> Value {
    requests().into_generator().into_root_schema_for::<T>().to_value()
}

/// How a client writes: what is optional may be left out.
fn requests() -> SchemaSettings {
    SchemaSettings::draft2020_12().for_deserialize().with_transform(PlainEnums)
}

/// How the server writes: what may be missing is null.
fn answers() -> SchemaSettings {
    SchemaSettings::draft2020_12().for_serialize().with_transform(PlainEnums)
}

/// One row a kind, with the schema of its data.
fn errors(generator: &mut SchemaGenerator) -> Vec<Value> {
    let faults = Fault::json_schema(generator).to_value();
    let variants = faults["oneOf"].as_array().into_iter().flatten();
    ErrorKind::ALL
        .into_iter()
        .map(|kind| {
            let data = variants.clone().find(|data| data["properties"]["kind"]["const"] == kind.name());
            json!({ "code": kind.code(), "kind": kind.name(), "data": data })
        })
        .collect()
}

fn close_codes() -> Vec<Value> {
    CloseCode::ALL
        .into_iter()
        .map(|close| {
            json!({
                "code": close.code(),
                "name": close.label(),
                "reconnect": close.reconnect(),
                "reason": close.reason(),
            })
        })
        .collect()
}

/// An enum whose variants are documented comes as a choice of constants. Written as a plain list of
/// values it says the same to a program, and an error can name the choices.
#[derive(Debug, Clone)]
struct PlainEnums;

impl Transform for PlainEnums {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(choices) = schema.get("oneOf").and_then(Value::as_array) else { return };
        let mut values = Vec::new();
        let mut words = Vec::new();
        for choice in choices {
            match (choice.get("const"), choice.get("enum")) {
                (Some(value), _) => {
                    words.extend(choice["description"].as_str().map(|text| format!("- {value}: {text}")));
                    values.push(value.clone());
                }
                (None, Some(Value::Array(plain))) => values.extend_from_slice(plain),
                _ => return,
            }
        }
        let about = schema.get("description").and_then(Value::as_str).map(str::to_owned);
        let description: Vec<_> = about.into_iter().chain(words).collect();
        schema.remove("oneOf");
        schema.insert("type".to_owned(), "string".into());
        schema.insert("enum".to_owned(), values.into());
        if !description.is_empty() {
            schema.insert("description".to_owned(), description.join("\n").into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One definition serves a type that goes both ways, so it must not depend on the way.
    #[test]
    fn requests_and_answers_agree_on_the_types_that_they_share() {
        let (mut requests, mut answers) = (requests().into_generator(), answers().into_generator());
        for entry in METHODS {
            (entry.params_schema)(&mut requests);
            (entry.result_schema)(&mut answers);
        }
        for entry in NOTIFICATIONS {
            (entry.params_schema)(&mut answers);
        }
        let answers = answers.take_definitions(true);
        let requests = requests.take_definitions(true);
        let shared: Vec<_> = requests.keys().filter(|name| answers.contains_key(*name)).collect();
        assert!(shared.len() > 3, "{shared:?}");
        for name in shared {
            assert_eq!(requests[name], answers[name], "{name}");
        }
    }
}
