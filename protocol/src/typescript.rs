//! The TypeScript declarations of the protocol, made from the types, for the browser library.
//!
//! Invariant: every type that a method or notification needs is declared once, in the order of names.

use std::collections::BTreeMap;
use std::fmt::Write;

use ts_rs::{Config, TS, TypeVisitor};

use crate::auth::ENDPOINTS;
use crate::error::RpcError;
use crate::methods::METHODS;
use crate::notifications::NOTIFICATIONS;

/// All of it, as the text of one `.d.ts` file.
pub fn declarations() -> String {
    let mut declarations = Declarations::new();
    let error = declarations.add::<RpcError>();

    let mut methods = String::new();
    for entry in METHODS {
        let (params, result) = (entry.declare)(&mut declarations);
        let name = entry.method.name();
        _ = writeln!(methods, "  \"{name}\": {{ params: {params}; result: {result} }};");
    }
    let mut notifications = String::new();
    for entry in NOTIFICATIONS {
        let params = (entry.declare)(&mut declarations);
        _ = writeln!(notifications, "  \"{}\": {params};", entry.name);
    }

    let mut endpoints = String::new();
    for endpoint in ENDPOINTS {
        let (body, answer) = (endpoint.declare)(&mut declarations);
        _ = writeln!(endpoints, "  \"{}\": {{ body: {body}; answer: {answer} }};", endpoint.name);
    }

    let mut text = HEADER.to_owned();
    for declaration in declarations.types.values() {
        _ = write!(text, "\n{declaration}\n");
    }
    _ = write!(
        text,
        "\n/** Every method: what it is asked with and what it answers. It fails with {error}. */\n\
         export interface Methods {{\n{methods}}}\n\
         \n/** Every notification of the server. */\n\
         export interface Notifications {{\n{notifications}}}\n\
         \n/** Every endpoint of accounts: its body and its answer. An error comes as {{ error: {error} }}. */\n\
         export interface Endpoints {{\n{endpoints}}}\n"
    );
    text
}

const HEADER: &str = "\
// Made from the types of the protocol crate; do not edit. To make it anew:
//   UPDATE_GOLDEN=1 cargo test -p switchboard-protocol --test wire typescript
";

/// The types gathered so far, by name.
pub struct Declarations {
    config: Config,
    types: BTreeMap<String, String>,
}

impl Declarations {
    fn new() -> Self {
        // Every integer of this protocol stays below 2^53.
        Self { config: Config::new().with_large_int("number"), types: BTreeMap::new() }
    }

    /// Declares a type and all that it needs, and gives its name.
    pub(crate) fn add<T: TS + ?Sized + 'static>(&mut self) -> String {
        self.visit::<T>();
        T::name(&self.config)
    }
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + ?Sized + 'static>(&mut self) {
        // Built-in types and wrappers are nowhere declared.
        if T::output_path().is_none() {
            return;
        }
        let name = T::ident(&self.config);
        if self.types.contains_key(&name) {
            return;
        }
        let docs = T::docs().map(|docs| comment(&docs) + "\n").unwrap_or_default();
        let declaration = format!("{docs}export {}", laid_out(&T::decl(&self.config)));
        self.types.insert(name, declaration);
        T::visit_dependencies(self);
    }
}

/// A declaration of one object type with each field on a line of its own; any other as it is.
fn laid_out(declaration: &str) -> String {
    let Some((head, fields)) = declaration.split_once(" = { ") else { return declaration.to_owned() };
    let Some(fields) = fields.strip_suffix(" };") else { return declaration.to_owned() };
    let mut lines = format!("{head} = {{\n");
    let mut rest = fields.trim();
    while !rest.is_empty() {
        if rest.starts_with("/**") {
            let (docs, after) = rest.split_at(rest.find("*/").map_or(rest.len(), |end| end + 2));
            _ = writeln!(lines, "  {}", comment(docs).replace('\n', "\n  "));
            rest = after.trim_start();
        }
        let (field, after) = rest.split_at(end_of_field(rest));
        _ = writeln!(lines, "  {field};");
        rest = after.trim_start_matches([',', ' ', '\n']);
    }
    lines + "};"
}

/// Where the comma after the first field is, past those within its type.
fn end_of_field(fields: &str) -> usize {
    let mut depth = 0;
    for (at, sign) in fields.char_indices() {
        match sign {
            '{' | '<' | '[' | '(' => depth += 1,
            '}' | '>' | ']' | ')' => depth -= 1,
            ',' if depth == 0 => return at,
            _ => {}
        }
    }
    fields.len()
}

/// A comment of one line on one line.
fn comment(docs: &str) -> String {
    let docs = docs.trim();
    let words = docs.strip_prefix("/**\n * ").and_then(|docs| docs.strip_suffix("\n */"));
    match words {
        Some(line) if !line.contains('\n') => format!("/** {line} */"),
        _ => docs.to_owned(),
    }
}
