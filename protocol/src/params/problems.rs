//! The bad fields of one request, gathered while it is examined.

use std::io;

use serde::Serialize;
use serde_json::Value;

use super::Members;
use crate::error::FieldProblem;
use crate::limits;

/// One problem a field, the first one found, and not more than a person would read.
#[derive(Debug, Default)]
pub struct Problems(Vec<FieldProblem>);

impl Problems {
    const MOST: usize = 32;

    pub fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        let field = field.into();
        if self.0.len() < Self::MOST && self.0.iter().all(|known| known.field != field) {
            self.0.push(FieldProblem { field, problem: problem.into() });
        }
    }

    /// At most one of two parameters may be there.
    pub(crate) fn either_or(&mut self, params: &Members, one: &str, other: &str) {
        let there = |name| params.get(name).is_some_and(|value| !value.is_null());
        if there(one) && there(other) {
            self.add(other, format!("cannot come together with {one}"));
        }
    }

    /// What the schema says in words only: the size of the metadata.
    pub(crate) fn metadata(&mut self, params: &Members) {
        let Some(Value::Object(metadata)) = params.get("metadata") else { return };
        if json_bytes(metadata) > limits::METADATA {
            self.add("metadata", format!("must be at most {} KiB as JSON", limits::METADATA / 1024));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_fields(self) -> Vec<FieldProblem> {
        self.0
    }
}

/// The length of a value as compact JSON, without writing it anywhere.
pub(super) fn json_bytes(value: &impl Serialize) -> usize {
    struct Count(usize);

    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).map_or(usize::MAX, |()| count.0)
}
