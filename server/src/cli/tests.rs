//! What can be typed, and what is made of it.

use super::*;

fn parse(line: &str) -> Cli {
    let words = std::iter::once("switchboard").chain(line.split_whitespace());
    let matches = command().try_get_matches_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
    Cli::from_arg_matches(&matches).unwrap()
}

#[track_caller]
fn errand(line: &str, expected: &command::Command) {
    assert_eq!(parse(line).command.unwrap().errand(&Layers::default()).unwrap(), *expected, "{line}");
}

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn serving_is_what_happens_without_a_command() {
    let bare = parse("--listen 127.0.0.1:1 --data d");
    assert!(bare.command.is_none());
    assert_eq!((&bare.serving.flags["listen"][..], &bare.everywhere.flags["data"][..]), ("127.0.0.1:1", "d"));
    let named = parse("--data d serve --listen 127.0.0.1:1 --port-file f");
    assert_eq!(named.everywhere.flags["data"], "d");
    let Some(Command::Serve { serving }) = named.command else { panic!("serve") };
    assert_eq!((&serving.flags["listen"][..], &serving.flags["port_file"][..]), ("127.0.0.1:1", "f"));
}

#[test]
fn where_the_data_is_can_be_said_anywhere() {
    for line in ["--data d user list", "user --data d list", "user list --data d"] {
        assert_eq!(parse(line).everywhere.flags["data"], "d", "{line}");
    }
    assert_eq!(parse("--data a user list --data b").everywhere.flags["data"], "b");
}

#[test]
fn the_doctor_looks_at_the_data_when_told() {
    let asked = |line: &str| {
        let everywhere = parse(line).everywhere;
        (everywhere.names_data, everywhere.flags.get("data").cloned())
    };
    assert_eq!(asked("doctor"), (false, None));
    assert_eq!(asked("doctor --data"), (true, None));
    assert_eq!(asked("doctor --data --database local"), (true, None));
    assert_eq!(asked("doctor --data d"), (true, Some("d".to_owned())));
}

#[test]
fn retention_goes_by_the_configuration_of_the_command() {
    let Some(Command::Retention { command }) = parse("retention run --dry-run --archive /a").command else {
        panic!("retention");
    };
    let environment = [("SWITCHBOARD_RETENTION_OUTBOX".to_owned(), "30d".to_owned())].into();
    let layers = Layers::of(Flags::new(), environment).unwrap();
    assert_eq!(
        serde_json::to_string(&command.errand(&layers).unwrap()).unwrap(),
        r#"{"command":"retention_run","policies":{"outbox":30},"archive":"/a","dry_run":true}"#
    );
}

#[test]
fn a_sync_is_of_one_of_three_extents() {
    let asked = |contact: Option<&str>, hours_back, dry_run| command::Command::Sync {
        sink: "airtable".into(),
        contact: contact.map(Into::into),
        hours_back,
        dry_run,
    };
    errand("sync airtable --contact C-1", &asked(Some("C-1"), None, false));
    errand("sync airtable --hours-back 24 --dry-run", &asked(None, Some(24), true));
    errand("sync airtable --all", &asked(None, None, false));
    for line in [
        "sync airtable",
        "sync airtable --all --contact C-1",
        "sync webhook --hours-back 0",
        "sync other --all",
    ] {
        let words = std::iter::once("switchboard").chain(line.split_whitespace());
        assert!(command().try_get_matches_from(words).is_err(), "{line}");
    }
}

#[test]
fn commands_are_what_they_ask_of_a_server() {
    use command::Command as Asked;
    errand(
        "workspace add shop --origin https://a.example --origin https://b.example --require-verification",
        &Asked::WorkspaceAdd {
            name: "shop".into(),
            origins: vec!["https://a.example".into(), "https://b.example".into()],
            require_verification: true,
        },
    );
    let set = |origins, require_verification, new_secret| Asked::WorkspaceSet {
        name: "shop".into(),
        origins,
        require_verification,
        registration_open: None,
        learns: None,
        new_secret,
    };
    errand("workspace set shop --new-secret", &set(None, None, true));
    errand("workspace set shop --no-origins", &set(Some(vec![]), None, false));
    errand("workspace set shop --require-verification", &set(None, Some(true), false));
    errand(
        "workspace set shop --require-verification off --origin *",
        &set(Some(vec!["*".into()]), Some(false), false),
    );
    errand(
        "workspace set shop --registration open",
        &Asked::WorkspaceSet {
            name: "shop".into(),
            origins: None,
            require_verification: None,
            registration_open: Some(true),
            learns: None,
            new_secret: false,
        },
    );
    for (typed, learns) in [("--learn", true), ("--learn on", true), ("--learn off", false)] {
        let learning = Asked::WorkspaceSet {
            name: "shop".into(),
            origins: None,
            require_verification: None,
            registration_open: None,
            learns: Some(learns),
            new_secret: false,
        };
        errand(&format!("workspace set shop {typed}"), &learning);
    }
    errand(
        "user add --email a@b.example --role staff",
        &Asked::UserAdd {
            email: "a@b.example".into(),
            role: "staff".into(),
            workspace: "default".into(),
            password: None,
        },
    );
    errand(
        "key add --name crm --role service --workspace *",
        &Asked::KeyAdd { name: "crm".into(), role: "service".into(), workspace: None },
    );
    errand("key revoke crm", &Asked::KeyRevoke { name: "crm".into(), workspace: None });
    errand(
        "key revoke crm --workspace shop",
        &Asked::KeyRevoke { name: "crm".into(), workspace: Some("shop".into()) },
    );
    errand(
        "import conversations /a.jsonl --dry-run",
        &Asked::ImportConversations { path: "/a.jsonl".into(), workspace: "default".into(), dry_run: true },
    );
    let deployment = |url: &str, only_conversations| Asked::ImportDeployment {
        address: command::Address { url: url.to_owned(), variables: Vec::new() },
        schema: "desk".into(),
        source: Some("old".into()),
        workspace: "default".into(),
        backup: "/before.jsonl".into(),
        only_conversations,
        dry_run: false,
    };
    errand(
        "import deployment postgres://a@b/c --schema desk --source old --backup /before.jsonl",
        &deployment("postgres://a@b/c", false),
    );
    errand("export /out", &Asked::Export { folder: "/out".into() });
    errand("restored", &Asked::Restored);
    errand(
        "import insights /in --workspace shop --backup /before.jsonl --dry-run",
        &Asked::ImportInsights {
            path: "/in".into(),
            workspace: "shop".into(),
            backup: "/before.jsonl".into(),
            dry_run: true,
        },
    );
}

#[test]
fn conversations_are_in_a_file_or_at_an_address_that_the_environment_fills_in() {
    let environment = [("PGPASSWORD".to_owned(), "hush".to_owned())].into();
    let layers = Layers::of(Flags::new(), environment).unwrap();
    let errand = |line: &str| parse(line).command.unwrap().errand(&layers).unwrap();
    for address in ["postgres://a@b/c", "host=b", "postgresql://b"] {
        let command::Command::ImportDeployment { address: read, only_conversations, .. } =
            errand(&format!("import conversations {address}"))
        else {
            panic!("{address}")
        };
        assert!(only_conversations && read.url == address);
        assert_eq!(read.variables, [("PGPASSWORD".to_owned(), "hush".to_owned())]);
    }
    for file in ["a.jsonl", "/x/local", "embedded"] {
        let line = format!("import conversations {file}");
        assert!(matches!(errand(&line), command::Command::ImportConversations { .. }), "{file}");
    }
}

#[test]
fn a_path_means_the_same_to_a_server_in_another_folder() {
    let Some(Command::Export { folder }) = parse("export out").command else { panic!("export") };
    let command::Command::Export { folder } = Command::Export { folder }.errand(&Layers::default()).unwrap()
    else {
        panic!("export")
    };
    assert!(folder.is_absolute());
}

#[test]
fn what_is_not_known_is_refused() {
    for line in [
        "serv",
        "user add --email a@b",
        "user add --email a@b --role owner",
        "migrate down",
        "import deployment",
        "model forget",
    ] {
        let words = std::iter::once("switchboard").chain(line.split_whitespace());
        assert!(command().try_get_matches_from(words).is_err(), "{line}");
    }
}
