//! Which value counts, and how a wrong one is refused.

mod sync;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What was said in a test: flags, variables, and the text of a file.
#[derive(Default)]
struct Said<'a> {
    flags: &'a [(&'static str, &'a str)],
    variables: &'a [(&'a str, &'a str)],
    file: Option<&'a str>,
}

impl Said<'_> {
    /// In an empty folder, which is also the data folder unless something else was said.
    fn resolve(&self) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").display().to_string();
        let mut variables: BTreeMap<String, String> = BTreeMap::from([
            ("SWITCHBOARD_DATA".to_owned(), data),
            ("JWT_SECRET_KEY".to_owned(), SECRET.to_owned()),
        ]);
        variables.extend(self.variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
        let mut flags: Flags = self.flags.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        if let Some(text) = self.file {
            let path = folder.path().join("switchboard.toml");
            fs::write(&path, text).unwrap();
            flags.insert("config", path.display().to_string());
        }
        let config = Layers::of(flags, variables).and_then(|layers| Config::resolve(&layers));
        config.map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "FOLDER"))
    }
}

#[track_caller]
fn refused(said: &Said, parts: &[&str]) {
    let sentence = said.resolve().unwrap_err();
    for part in parts {
        assert!(sentence.contains(part), "{part} is not in: {sentence}");
    }
}

#[test]
fn what_nobody_says_has_a_default() {
    let config = Said::default().resolve().unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.source, Source::Embedded);
    assert_eq!(config.preset, "member_support");
    assert!(config.limits && config.trusted_proxies.is_empty() && config.port_file.is_none());
    assert_eq!((config.token_lifetime.as_secs(), config.drain.as_secs()), (1_800, 20));
    assert_eq!(config.max_connections, 18_000);
    assert_eq!(config.login_limits, LoginLimits::default());
    assert_eq!(config.log, LogConfig { format: LogFormat::Text, filter: "info".to_owned() });
    let bare = Layers::of(Flags::new(), BTreeMap::new()).unwrap();
    assert_eq!(Place::resolve(&bare).unwrap().data, Path::new("switchboard-data"));
}

#[test]
fn login_limits_are_tries_and_seconds() {
    let said = Said { flags: &[("login_address_limit", "50/60")], ..Said::default() };
    let limits = said.resolve().unwrap().login_limits;
    assert_eq!(limits.address, Tries { most: 50, within: Duration::from_mins(1) });
    assert_eq!(limits.account, LoginLimits::default().account);
    for wrong in ["5", "0/20", "5/0", "5/20s", "-1/20", "1001/20", "5/86401", ""] {
        let flags = &[("login_account_limit", wrong)];
        refused(&Said { flags, ..Said::default() }, &["--login-account-limit", "20/300"]);
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let file = "listen = \"127.0.0.1:1\"\ntoken_seconds = 10\ndrain_seconds = 1";
    let said = Said {
        flags: &[("listen", "127.0.0.1:3")],
        variables: &[("SWITCHBOARD_LISTEN", "127.0.0.1:2"), ("SWITCHBOARD_TOKEN_SECONDS", "20")],
        file: Some(file),
    };
    let config = said.resolve().unwrap();
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.token_lifetime.as_secs(), 20);
    assert_eq!(config.drain.as_secs(), 1);
}

#[test]
fn the_file_is_toml_with_its_own_kinds_of_values() {
    let file = r#"
        database = "postgres://desk@db.example/desk"
        limits = false
        max_connections = 100
        trusted_proxies = ["10.0.0.0/8", "::1"]
        log_format = "json"
        log = "info,switchboard_server=debug"
    "#;
    let config = Said { file: Some(file), ..Said::default() }.resolve().unwrap();
    assert_eq!(config.source, Source::Url("postgres://desk@db.example/desk".to_owned()));
    assert!(!config.limits);
    assert_eq!(config.max_connections, 100);
    assert_eq!(config.trusted_proxies, TrustedProxies::read("10.0.0.0/8,::1").unwrap());
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn a_path_in_the_file_is_beside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("switchboard.toml");
    fs::write(&file, "data = \"kept\"").unwrap();
    let flags = Flags::from([("config", file.display().to_string())]);
    let place = Place::resolve(&Layers::of(flags, BTreeMap::new()).unwrap()).unwrap();
    assert_eq!(place.data, folder.path().join("kept"));
}

#[test]
fn an_empty_variable_says_nothing_and_an_empty_flag_is_wrong() {
    let empty = Said { variables: &[("SWITCHBOARD_LISTEN", ""), ("DATABASE_URL", "")], ..Said::default() };
    assert_eq!(empty.resolve().unwrap().source, Source::Embedded);
    refused(&Said { flags: &[("listen", "")], ..Said::default() }, &["`--listen`"]);
}

#[test]
fn a_wrong_value_is_refused_with_its_name_and_what_is_accepted() {
    let cases: &[(&'static str, &str, &str)] = &[
        ("listen", "8080", "127.0.0.1:8080"),
        ("listen", "127.0.0.1:99999", "an address and a port"),
        ("preset", "member_suport", "relay"),
        ("limits", "maybe", "`on` or `off`"),
        ("trusted_proxies", "10.0.0.0/40", "networks"),
        ("token_seconds", "0", "1 to 86400"),
        ("token_seconds", "86401", "1 to 86400"),
        ("token_seconds", "half an hour", "1 to 86400"),
        ("drain_seconds", "-1", "0 to 3600"),
        ("max_connections", "0", "1 to 1000000"),
        ("log_format", "xml", "`json`"),
        ("log", "inof", "a level"),
        ("log", "info,switchboard=loud", "a level"),
    ];
    for &(name, value, takes) in cases {
        let flag = format!("`--{}`", name.replace('_', "-"));
        refused(&Said { flags: &[(name, value)], ..Said::default() }, &[&flag, value, takes]);
        let variable = setting::ALL.iter().find(|setting| setting.name == name).unwrap().variable;
        refused(&Said { variables: &[(variable, value)], ..Said::default() }, &[variable, value, takes]);
        let file = format!("\n# settings\n{name} = \"{value}\"");
        let place = format!("`{name}` in FOLDER/switchboard.toml, line 3");
        refused(&Said { file: Some(&file), ..Said::default() }, &[&place, value, takes]);
    }
}

#[test]
fn a_key_or_a_file_that_is_not_understood_is_refused_with_its_line() {
    let file = |text| Said { file: Some(text), ..Said::default() };
    refused(&file("limits = true\nlissten = \"x\""), &["line 2", "`lissten`", "listen, preset"]);
    refused(&file("\n[server]\nlisten = \"x\""), &["line 2", "`server`"]);
    refused(&file("config = \"other.toml\""), &["line 1", "`config`"]);
    refused(&file("listen = 1.5"), &["line 1", "`listen` takes an address"]);
    refused(&file("limits = true\nlimits = false"), &["line 2"]);
    let broken = file("jwt_secret_key = \"hush-hush").resolve().unwrap_err();
    assert!(broken.contains("line 1") && !broken.contains("hush"), "{broken}");
    refused(&Said { flags: &[("config", "/nowhere/at.toml")], ..Said::default() }, &["/nowhere/at.toml"]);
}

#[test]
fn neither_a_refusal_nor_debug_shows_a_secret() {
    let said = Said { variables: &[("JWT_SECRET_KEY", "hush-hush")], ..Said::default() };
    let sentence = said.resolve().unwrap_err();
    assert!(
        sentence.contains("JWT_SECRET_KEY is 9 characters long") && sentence.contains("at least 32"),
        "{sentence}"
    );
    assert!(!sentence.contains("hush"), "{sentence}");

    let url = "postgres://desk:hush-hush@db.example/desk";
    let said = Said { variables: &[("DATABASE_URL", url), ("PGPASSWORD", "hush-hush")], ..Said::default() };
    let shown = format!("{:?}", said.resolve().unwrap());
    assert!(!shown.contains("hush") && !shown.contains(SECRET), "{shown}");

    let wrong = Said { variables: &[("DATABASE_URL", "mysql://desk:hush-hush@db")], ..Said::default() };
    let sentence = wrong.resolve().unwrap_err();
    assert!(sentence.contains("DATABASE_URL") && !sentence.contains("hush"), "{sentence}");
}

#[test]
fn a_secret_is_made_once_and_kept_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let first = Secret::settle(None, &data).unwrap();
    assert!(first.as_str().len() >= secret::LEAST);
    assert_eq!(Secret::settle(None, &data).unwrap(), first);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("secret"))), (0o700, 0o600));
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "a draft was left behind");

    fs::write(data.join("secret"), "short\n").unwrap();
    let sentence = Secret::settle(None, &data).unwrap_err().to_string();
    assert!(sentence.contains("data/secret holds is 5 characters long"), "{sentence}");
}

#[test]
fn the_variables_of_postgres_are_handed_on_and_misspelt_ones_of_ours_are_found() {
    let variables =
        [("PGUSER", "desk"), ("PATH", "/bin"), ("SWITCHBOARD_LISTN", "x"), ("SWITCHBOARD_LOG", "info")];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let layers = Layers::of(Flags::new(), BTreeMap::from(variables)).unwrap();
    assert_eq!(layers.pg_env(), [("PGUSER".to_owned(), "desk".to_owned())]);
    assert_eq!(layers.strays(), ["SWITCHBOARD_LISTN"]);
}

#[test]
fn every_setting_has_names_of_its_own() {
    let unique =
        |names: Vec<&str>| names.iter().collect::<std::collections::BTreeSet<_>>().len() == names.len();
    assert!(unique(setting::ALL.iter().map(|setting| setting.name).collect()));
    assert!(unique(setting::ALL.iter().map(|setting| setting.variable).collect()));
}

#[test]
fn a_journal_is_bounded_and_not_for_the_database_within() {
    let on =
        |variables| Said { flags: &[("journal", "j"), ("database", "local")], variables, ..Said::default() };
    let journal = on(&[]).resolve().unwrap().journal.unwrap();
    assert_eq!((journal.folder.as_path(), journal.limit), (Path::new("j"), 256 * 1024 * 1024));
    refused(&on(&[("SWITCHBOARD_JOURNAL_MIB", "0")]), &["SWITCHBOARD_JOURNAL_MIB", "from 1 to 65536"]);
    refused(
        &Said { flags: &[("journal", "j")], ..Said::default() },
        &["`--journal`", "embedded", "--database"],
    );
    assert_eq!(Said::default().resolve().unwrap().journal, None);
}

#[test]
fn policies_stand_under_their_heading() {
    let file = "preset = \"relay\"\n[retention]\nconversations = \"365d\"\nturn_steps = \"off\"\n";
    let said =
        Said { file: Some(file), variables: &[("SWITCHBOARD_RETENTION_OUTBOX", "30d")], ..Said::default() };
    let policies = said.resolve().unwrap().retention;
    assert_eq!(policies, BTreeMap::from([(Kept::Conversations, 365), (Kept::Outbox, 30)]));
    for (file, parts) in [
        ("[retention]\nmessages = \"1d\"", &["line 2", "retention_messages"][..]),
        ("[retention]\naudit_log = \"soon\"", &["`soon`", "365d", "730d"][..1]),
        ("[retention]\naudit_log = 30", &["`30`", "an age in days"][..]),
        ("[elsewhere]\na = 1", &["line 1", "`elsewhere`"][..]),
    ] {
        refused(&Said { file: Some(file), ..Said::default() }, parts);
    }
    assert!(Said::default().resolve().unwrap().retention.is_empty());
}
