//! The rules, each a pure function from one file to what is wrong in it.

use std::fmt;

use super::source::{Named, Source};
use super::table::{
    ANYWHERE, AT_HOME, DRAWERS, LAYERS, LONG, MOST_LINES, RESERVED, Reserved, SLEEPERS, SQL_ELSEWHERE,
};

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) rule: &'static str,
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: [{}] {}", self.path, self.line, self.rule, self.what)
    }
}

/// All that is wrong in one file of the repository.
pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    found.extend(names(path));
    found.extend(length(path, text));
    if has_extension(path, "rs") {
        let source = Source::new(path, text);
        found.extend(header(path, text));
        found.extend(sleeps(&source));
        if path.starts_with("server/src/") {
            found.extend(layers(&source));
            found.extend(reserved(&source));
            found.extend(homes(&source));
            found.extend(sql_in_code(&source));
        }
    }
    if path.starts_with("sql/queries/") && has_extension(path, "sql") {
        found.extend(query(path, text));
    }
    found
}

/// The end-to-end modules that `main` does not list, and therefore never run.
pub(super) fn unlisted(main: &str, modules: &[String]) -> Vec<Violation> {
    modules
        .iter()
        .filter(|module| !main.contains(&format!("{module}::TESTS")))
        .map(|module| Violation {
            rule: "every test runs",
            path: format!("tests/e2e/{module}.rs"),
            line: 1,
            what: format!("`{module}::TESTS` is not in the list of tests/e2e/main.rs"),
        })
        .collect()
}

// ------------------------------------------------------------------------------------------------- any file

fn names(path: &str) -> Option<Violation> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    let what = if name == "mod.rs" {
        "a module `foo` is `foo.rs` beside `foo/`"
    } else if DRAWERS.contains(&stem) || path.split('/').any(|folder| DRAWERS.contains(&folder)) {
        "a drawer is no name: what is in it belongs somewhere"
    } else {
        return None;
    };
    Some(Violation { rule: "names", path: path.to_owned(), line: 1, what: what.to_owned() })
}

fn length(path: &str, text: &str) -> Option<Violation> {
    let lines = text.lines().count();
    let excused = LONG.iter().any(|(long, _)| *long == path);
    (lines > MOST_LINES && !excused).then(|| Violation {
        rule: "length",
        path: path.to_owned(),
        line: MOST_LINES + 1,
        what: format!("{lines} lines: beyond {MOST_LINES} a file is two files"),
    })
}

// ------------------------------------------------------------------------------------------------- any Rust file

fn header(path: &str, text: &str) -> Option<Violation> {
    (!text.starts_with("//!")).then(|| Violation {
        rule: "header",
        path: path.to_owned(),
        line: 1,
        what: "a file begins with `//!`: what it owns, and its invariant".to_owned(),
    })
}

fn sleeps(source: &Source) -> Vec<Violation> {
    let excused = SLEEPERS.iter().any(|(path, _)| *path == source.path);
    let find = |path: Named| {
        let sleeps = path.segments.len() > 1 && path.segments.last().is_some_and(|last| last == "sleep");
        (sleeps && source.is_test(path.offset)).then(|| Violation {
            rule: "no sleeping",
            path: source.path.clone(),
            line: source.line(path.offset),
            what: format!("`{}`: wait for a frame, a commit or an exit", path.segments.join("::")),
        })
    };
    if excused { Vec::new() } else { source.paths().into_iter().filter_map(find).collect() }
}

// ------------------------------------------------------------------------------------------------- the server

/// The module path of a file: `server/src/store/pool.rs` is `store::pool`.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.trim_start_matches("server/src/").trim_end_matches(".rs");
    inside.split('/').map(str::to_owned).collect()
}

/// The row of the table that a top-level module stands in.
fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

fn layers(source: &Source) -> Vec<Violation> {
    let here = module_of(&source.path)[0].clone();
    if here == "lib" {
        return Vec::new();
    }
    let broken = |line, what| Violation { rule: "layers", path: source.path.clone(), line, what };
    let Some(own) = layer(&here) else {
        return vec![broken(
            1,
            format!("module `{here}` has no row in tests/src/tidy/table.rs: give it its place"),
        )];
    };
    source
        .paths()
        .iter()
        .filter_map(|path| {
            let target = crate_module(source, path)?;
            let allowed = target == here || layer(&target).is_none_or(|row| row > own);
            (!allowed).then(|| {
                broken(
                    source.line(path.offset),
                    format!("`{here}` may not use `{target}`: the way is down the table"),
                )
            })
        })
        .collect()
}

/// The top-level module of the server that a path leads to, by whatever way it is written.
fn crate_module(source: &Source, path: &Named) -> Option<String> {
    let segments = &path.segments;
    match segments[0].as_str() {
        "crate" | "switchboard_server" => segments.get(1).cloned(),
        "super" => {
            let ups = segments.iter().take_while(|segment| *segment == "super").count();
            let inline = source.modules.iter().filter(|module| module.body.contains(&path.offset)).count();
            let depth = module_of(&source.path).len() + inline;
            (ups == depth).then(|| segments.get(ups).cloned()).flatten()
        }
        _ => None,
    }
    // Items at the root of the crate are in no module.
    .filter(|name| layer(name).is_some())
}

fn reserved(source: &Source) -> Vec<Violation> {
    let decide = |path: &Named| {
        let full = path.segments.join("::");
        RESERVED
            .iter()
            .filter(|row| is_within(&full, row.path))
            .max_by_key(|row| row.path.len())
            .and_then(|row| misplaced(source, path, row))
    };
    source.paths().iter().filter_map(decide).collect()
}

fn homes(source: &Source) -> Vec<Violation> {
    let decide = |path: &Named| {
        let full = path.segments.join("::");
        AT_HOME
            .iter()
            .find(|row| full == row.path || full.ends_with(&format!("::{}", row.path)))
            .and_then(|row| misplaced(source, path, row))
    };
    source.paths().iter().filter(|path| !source.is_test(path.offset)).filter_map(decide).collect()
}

fn misplaced(source: &Source, path: &Named, row: &Reserved) -> Option<Violation> {
    let here = module_of(&source.path).join("::");
    (row.places != ANYWHERE && !row.places.iter().any(|place| is_within(&here, place))).then(|| Violation {
        rule: "reserved",
        path: source.path.clone(),
        line: source.line(path.offset),
        what: format!(
            "`{}` belongs in {} only: {}",
            path.segments.join("::"),
            row.places.join(", "),
            row.why
        ),
    })
}

/// Whether `path` is `prefix` or something in it.
fn is_within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

// ------------------------------------------------------------------------------------------------- SQL

fn sql_in_code(source: &Source) -> Vec<Violation> {
    if SQL_ELSEWHERE.iter().any(|(path, _)| *path == source.path) {
        return Vec::new();
    }
    source
        .strings
        .iter()
        .filter(|literal| !source.is_test(literal.offset) && is_sql(&literal.text))
        .map(|literal| Violation {
            rule: "SQL is in files",
            path: source.path.clone(),
            line: source.line(literal.offset),
            what: "a statement is a file under sql/, which a test prepares".to_owned(),
        })
        .collect()
}

/// Whether a text is a statement that touches data or the schema. Opening a transaction and taking a role are
/// none.
fn is_sql(text: &str) -> bool {
    let words: Vec<String> = text.split_whitespace().take(40).map(str::to_ascii_lowercase).collect();
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let later = |wanted: &str| words.iter().skip(1).any(|word| word == wanted);
    match (word(0), word(1)) {
        ("insert" | "merge", "into") | ("delete", "from") | ("truncate" | "grant" | "revoke", _) => {
            words.len() > 2
        }
        ("create" | "alter" | "drop", kind) => matches!(
            kind,
            "table"
                | "index"
                | "unique"
                | "role"
                | "extension"
                | "schema"
                | "function"
                | "policy"
                | "database"
                | "type"
        ),
        ("update", _) => later("set"),
        ("select", _) => later("from") || text.contains('('),
        ("with", _) => later("select") || later("as"),
        _ => false,
    }
}

fn query(path: &str, text: &str) -> Vec<Violation> {
    let broken =
        |line, what: &str| Violation { rule: "queries", path: path.to_owned(), line, what: what.to_owned() };
    let mut found = Vec::new();
    if !text.starts_with("--") {
        found.push(broken(1, "a statement begins with a comment that says why it is as it is"));
    }
    if path.split('/').count() != 4 {
        found.push(broken(1, "a statement is sql/queries/<table>/<verb>.sql"));
    }
    let statements =
        without_comments_and_strings(text).split(';').filter(|part| !part.trim().is_empty()).count();
    if statements != 1 {
        found.push(broken(1, &format!("one statement a file, not {statements}")));
    }
    found
}

fn without_comments_and_strings(sql: &str) -> String {
    let code: String =
        sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    // Within quotes is every second part.
    code.split('\'').step_by(2).collect::<Vec<_>>().join("''")
}

fn has_extension(path: &str, extension: &str) -> bool {
    std::path::Path::new(path).extension().is_some_and(|found| found == extension)
}
