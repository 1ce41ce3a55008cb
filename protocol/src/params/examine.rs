//! The slow path: what exactly is wrong with these parameters.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Members, Params, Problems};
use crate::error::FieldProblem;
use crate::schema;

/// The parameters, where nothing is wrong with them after all, or every bad field.
pub(super) fn read<T: Params>(text: &str) -> Result<T, Vec<FieldProblem>> {
    let mut problems = Problems::default();
    let published = published::<T>();
    let params = members(text, &published.names, &mut problems);
    for (name, value) in &params {
        find_nul(&mut vec![printable(name)], name, value, &mut problems);
    }
    let params = Value::Object(params);
    for error in published.validator.iter_errors(&params) {
        explain(&error, &mut problems);
    }
    if let Value::Object(params) = &params {
        T::beyond_schema(params, &mut problems);
    }
    if !problems.is_empty() {
        return Err(problems.into_fields());
    }
    let read = T::deserialize(&params).or_else(|_| T::deserialize(integers(params)));
    read.ok().filter(T::within_limits).ok_or_else(|| {
        problems.add(WHOLE, "are not as the method's schema has them");
        problems.into_fields()
    })
}

/// Whether U+0000 is in any text of a value.
pub(super) fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => {
            members.iter().any(|(name, member)| name.contains('\0') || holds_nul(member))
        }
        _ => false,
    }
}

/// What to call the parameters as a whole.
const WHOLE: &str = "params";

/// Reads each parameter by itself, so that one that cannot be read does not hide the others.
fn members(text: &str, known: &HashSet<String>, problems: &mut Problems) -> Members {
    if text.starts_with('[') {
        problems.add(WHOLE, "must be an object with named parameters, not an array");
        return Members::new();
    }
    let raw: BTreeMap<String, &RawValue> = match serde_json::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            problems.add(WHOLE, unreadable(&error));
            return Members::new();
        }
    };
    let mut members = Members::new();
    for (name, raw) in raw {
        match serde_json::from_str(raw.get()) {
            Ok(value) => _ = members.insert(name, value),
            Err(error) if known.contains(&name) => problems.add(name, unreadable(&error)),
            Err(_) => {}
        }
    }
    members
}

/// Why well-formed JSON still cannot be read as a value. `serde_json` tells the cases apart only in words.
pub(super) fn unreadable(error: &serde_json::Error) -> &'static str {
    let words = error.to_string();
    if words.contains("recursion") {
        "must not be nested so deeply"
    } else if words.contains("out of range") {
        "must not hold a number so large"
    } else {
        "must be valid Unicode"
    }
}

/// Finds U+0000 in any text, names of members included.
fn find_nul(path: &mut Vec<String>, name: &str, value: &Value, problems: &mut Problems) {
    let bad = name.contains('\0') || matches!(value, Value::String(text) if text.contains('\0'));
    if bad {
        problems.add(path.join("."), "must not contain the character U+0000");
    }
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                find_nul(path, "", item, problems);
                path.pop();
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                path.push(printable(name));
                find_nul(path, name, member, problems);
                path.pop();
            }
        }
        _ => {}
    }
}

/// A name that a client made up, made fit to be shown.
fn printable(name: &str) -> String {
    name.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// One error of the schema as one problem of one field.
fn explain(error: &ValidationError<'_>, problems: &mut Problems) {
    let field = field(error.instance_path());
    let problem = match error.kind() {
        ValidationErrorKind::AnyOf { context } => {
            // An optional object: its errors are those of the branch that is not null.
            let branch = context.iter().find(|errors| !errors.iter().any(expects_null));
            for error in branch.into_iter().flatten() {
                explain(error, problems);
            }
            return;
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let whole = if field == WHOLE { name.to_owned() } else { format!("{field}.{name}") };
            return problems.add(whole, "is required");
        }
        ValidationErrorKind::Type { kind } => format!("must be {}", type_in_words(kind)),
        ValidationErrorKind::MinLength { limit: 1 } => "must not be empty".to_owned(),
        ValidationErrorKind::MinLength { limit } => format!("must have at least {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("must have at most {limit} characters"),
        ValidationErrorKind::MinItems { limit } => format!("must have at least {limit} entries"),
        ValidationErrorKind::MaxItems { limit } => format!("must have at most {limit} entries"),
        ValidationErrorKind::Minimum { limit } => format!("must be at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {limit}"),
        ValidationErrorKind::Enum { options } => format!("must be one of {}", options_in_words(options)),
        ValidationErrorKind::Format { format } if format == "uuid" => "must be a UUID".to_owned(),
        ValidationErrorKind::Format { format } if format == "date-time" => {
            "must be a time such as 2026-01-31T09:05:00Z".to_owned()
        }
        _ => "is not as the method's schema has it".to_owned(),
    };
    problems.add(field, problem);
}

fn expects_null(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { kind: TypeKind::Single(JsonType::Null) })
}

fn type_in_words(kind: &TypeKind) -> &'static str {
    let wanted = match kind {
        TypeKind::Single(wanted) => Some(*wanted),
        // Of a type that may be null, the other one is what was wanted.
        TypeKind::Multiple(types) => types.iter().find(|wanted| *wanted != JsonType::Null),
    };
    match wanted {
        Some(JsonType::Array) => "an array",
        Some(JsonType::Boolean) => "true or false",
        Some(JsonType::Integer) => "an integer",
        Some(JsonType::Number) => "a number",
        Some(JsonType::Object) => "an object",
        Some(JsonType::String) => "a string",
        Some(JsonType::Null) | None => "null",
    }
}

fn options_in_words(options: &Value) -> String {
    let options = options.as_array().into_iter().flatten().filter_map(Value::as_str);
    options.collect::<Vec<_>>().join(", ")
}

/// The path as a person writes it: `user.email`, `attachments.0`.
fn field(path: &Location) -> String {
    let names: Vec<_> = path
        .iter()
        .map(|segment| match segment {
            LocationSegment::Property(name) => printable(&name),
            LocationSegment::Index(index) => index.to_string(),
        })
        .collect();
    if names.is_empty() { WHOLE.to_owned() } else { names.join(".") }
}

/// To JSON Schema 5.0 is an integer; to serde it is not. Rare enough to be settled here.
fn integers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            #[expect(clippy::cast_possible_truncation, reason = "below 2^53 and whole")]
            Some(float) if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 => {
                Value::from(float as i64)
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(integers).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, integers(value))).collect(),
        other => other,
    }
}

/// The published schema of a type, ready for use.
struct Published {
    validator: Validator,
    /// Of the parameters at the top.
    names: HashSet<String>,
}

/// Compiled at its first use.
fn published<T: Params>() -> Arc<Published> {
    static COMPILED: LazyLock<Mutex<HashMap<TypeId, Arc<Published>>>> = LazyLock::new(Mutex::default);

    let compile = || {
        let schema = schema::of::<T>();
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .expect("schemas made from types are valid, as a test of each shows");
        let names = schema["properties"].as_object().into_iter().flatten();
        Arc::new(Published { validator, names: names.map(|(name, _)| name.clone()).collect() })
    };
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(compiled.entry(TypeId::of::<T>()).or_insert_with(compile))
}
