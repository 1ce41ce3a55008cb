//! The table: who may use whom, and what may stand where. To change the layout is to change a line here, in
//! view of everyone.

/// The modules of the server from the outside in. A module may use itself and those of later rows; never
/// those of earlier rows, and not its neighbours in the same row. `lib` only declares them.
pub(super) const LAYERS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["app", "hot"],
    &["http", "control"],
    &["telemetry"],
    &["config"],
    &["socket"],
    &["rpc"],
    &["session", "memory", "sync"],
    &["workflow", "brain", "escalation", "search", "notify", "reports"],
    &["access"],
    &["store"],
    &["domain"],
];

/// Paths that only some modules of the server may name. The longest prefix that matches decides, so a
/// narrower row makes an exception to a wider one. A place is a module, or a module and a file in it.
pub(super) const RESERVED: &[Reserved] = &[
    reserved("axum", &["http", "socket", "app"], "HTTP ends at the edge"),
    reserved("tokio_postgres", &["store"], "nothing else knows which database runs"),
    reserved("deadpool_postgres", &["store"], "nothing else knows which database runs"),
    reserved("oliphaunt_wasix", &["store"], "nothing else knows which database runs"),
    reserved("oliphaunt_extension_vector", &["store"], "nothing else knows which database runs"),
    reserved("async_openai", &["brain::openai"], "one brain of several"),
    reserved("rusqlite", &["control::import"], "a folder of another program is read in one place"),
    reserved("clap", &["cli", "config", "main"], "the command line is read in one place"),
    reserved("switchboard_protocol", &["http", "socket", "rpc", "hot"], "frames stay at the edge"),
    reserved("switchboard_protocol::ids", ANYWHERE, ""),
    reserved("switchboard_protocol::limits", ANYWHERE, ""),
    reserved("switchboard_protocol::CloseCode", &["app", "socket"], "what ends a connection"),
    reserved("switchboard_protocol::methods::ServerInfo", &["app", "rpc"], "what the server says of itself"),
];

/// Calls that have one home each, unit tests aside, so that what they give can be given instead. The end of a
/// path decides.
pub(super) const AT_HOME: &[Reserved] = &[
    reserved("Utc::now", &["domain::clock"], "time is given, not taken"),
    reserved("SystemTime::now", &["domain::clock"], "time is given, not taken"),
    reserved("Uuid::new_v4", &["domain::mint"], "ids are minted in one place"),
    reserved("Uuid::now_v7", &["domain::mint"], "ids are minted in one place"),
    reserved("env::var", &["cli", "config"], "the environment is read in one place"),
    reserved("env::var_os", &["cli", "config"], "the environment is read in one place"),
    reserved("env::vars", &["cli", "config"], "the environment is read in one place"),
    reserved("env::vars_os", &["cli", "config"], "the environment is read in one place"),
];

/// Names that say nothing: what is in such a file belongs somewhere.
pub(super) const DRAWERS: &[&str] = &["util", "utils", "helper", "helpers", "misc", "common"];

/// A file beyond this is two files.
pub(super) const MOST_LINES: usize = 500;

/// Files that may be longer, and why.
pub(super) const LONG: &[(&str, &str)] = &[("static/protocol.d.ts", "generated from the wire types")];

/// Test code that may sleep, and why.
pub(super) const SLEEPERS: &[(&str, &str)] = &[
    ("tests/src/proxy.rs", "a delay is what the proxy is asked for"),
    ("tests/src/fake_openai.rs", "a slow model is what the server is asked for"),
];

/// SQL outside of `sql/`, and why.
pub(super) const SQL_ELSEWHERE: &[(&str, &str)] = &[
    ("server/src/store/migrate.rs", "the ledger of the migrations, which is there before any of them"),
    ("server/src/control/import/chroma/folder.rs", "the tables of another program, in a file of its own"),
    ("server/src/store/foreign.rs", "the tables of another program, whose names are known once it is read"),
    ("server/src/store/foreign/lines.rs", "a cursor over them"),
    ("server/src/store/source/embedded/frames.rs", "an error that stands in for a COPY, and touches nothing"),
];

/// Anywhere in the server.
pub(super) const ANYWHERE: &[&str] = &["*"];

#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) path: &'static str,
    pub(super) places: &'static [&'static str],
    pub(super) why: &'static str,
}

const fn reserved(path: &'static str, places: &'static [&'static str], why: &'static str) -> Reserved {
    Reserved { path, places, why }
}
