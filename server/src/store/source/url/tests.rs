//! Addresses as people write them.

use tokio_postgres::config::SslMode;

use super::*;

fn resolve(text: &str) -> Address {
    Address::resolve(text, &Options::default()).unwrap()
}

fn refusal(text: &str) -> String {
    Address::resolve(text, &Options::default()).unwrap_err().to_string()
}

#[test]
fn a_url_and_its_words_say_the_same() {
    for text in [
        "postgres://ann:s%40crt@db.test:6543/desk?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.crt\
         &connect_timeout=3",
        "postgresql://ann:s%40crt@db.test:6543/desk?connect_timeout=3&sslrootcert=/etc/ca.crt\
         &sslmode=verify-full",
        "host=db.test port = 6543 user=ann password='s@crt' dbname=desk sslmode=verify-full \
         sslrootcert='/etc/ca.crt' connect_timeout=3",
    ] {
        let Address { config, mode, roots } = resolve(text);
        assert_eq!(config.get_hosts(), [Host::Tcp("db.test".to_owned())], "{text}");
        assert_eq!(config.get_ports(), [6543]);
        assert_eq!((config.get_user(), config.get_dbname()), (Some("ann"), Some("desk")));
        assert_eq!(config.get_password(), Some(&b"s@crt"[..]));
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(config.get_application_name(), Some("switchboard"));
        assert_eq!((mode, config.get_ssl_mode()), (Mode::VerifyFull, SslMode::Require));
        assert_eq!(roots, Roots::File("/etc/ca.crt".into()));
    }
}

#[test]
fn an_at_may_stand_in_a_parameter() {
    let config = resolve("postgres://ann@h/d?application_name=desk@home").config;
    assert_eq!((config.get_user(), config.get_application_name()), (Some("ann"), Some("desk@home")));
}

#[test]
fn quotes_and_backslashes_of_words_are_undone() {
    let config = resolve(r"host=h user = 'a \'b\' \\c' password=x\ y dbname=''").config;
    assert_eq!(config.get_user(), Some(r"a 'b' \c"));
    assert_eq!(config.get_password(), Some(&b"x y"[..]));
    assert_eq!(config.get_dbname(), Some(""));
    for text in ["host='h", "host", "host=h port"] {
        refusal(text);
    }
}

#[test]
fn tls_is_preferred_and_a_socket_needs_none() {
    assert_eq!(resolve("postgres://db.test/desk").mode, Mode::Prefer);
    assert_eq!(resolve("postgres://db.test/desk?ssl=true").mode, Mode::Require);
    assert_eq!(resolve("postgres://db.test/desk?sslrootcert=system").mode, Mode::VerifyFull);
    assert_eq!(resolve("postgres:///desk?host=/run/postgresql&sslmode=require").mode, Mode::Disable);
}

#[test]
fn what_a_pooled_address_carries_besides_is_left_out() {
    let config =
        resolve("postgres://a.b:c@pooler.test:6543/postgres?pgbouncer=true&sslmode=require&schema=x").config;
    assert_eq!((config.get_user(), config.get_dbname()), (Some("a.b"), Some("postgres")));
    assert_eq!(config.get_ssl_mode(), SslMode::Require);
}

#[test]
fn what_cannot_be_honoured_is_refused_and_no_refusal_holds_a_password() {
    for (text, word) in [
        ("postgres://u:hunter2@h/d?sslmode=sometimes", "sslmode"),
        ("postgres://u:hunter2@h/d?sslcert=c.pem", "sslcert"),
        ("postgres://u:hunter2@h/d?passfile", "name=value"),
        ("postgres://u:hunter2@h:port/d", "port"),
        ("postgres://u:x@hunter2@h/d", "%40"),
        ("postgres://u:x@hunter2@h", "%40"),
        ("postgres://u:hunter2@h/d?sslrootcert=%zz", "hexadecimal"),
        ("host=h password=hunter2 service=x", "service"),
        ("host=h password=hunter2 connect_timeout=soon", "connect_timeout"),
    ] {
        let sentence = refusal(text);
        assert!(sentence.contains(word), "{sentence}");
        assert!(!sentence.contains("hunter2"), "{sentence}");
    }
}

#[test]
fn variables_fill_what_the_address_leaves_open_and_nothing_else() {
    let variables = [
        ("PGHOST", "env.test"),
        ("PGPORT", "7777"),
        ("PGUSER", "eve"),
        ("PGPASSWORD", "pass"),
        ("PGDATABASE", "envdb"),
        ("PGSSLMODE", "verify-ca"),
        ("PGSSLROOTCERT", "/env.crt"),
        ("PGCONNECT_TIMEOUT", "4"),
        ("PGOPTIONS", ""),
    ];
    let pg_env = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = Options { pg_env, ..Options::default() };
    let Address { config, mode, roots } = Address::resolve("user=ann", &options).unwrap();
    assert_eq!(config.get_hosts(), [Host::Tcp("env.test".to_owned())]);
    assert_eq!((config.get_ports(), config.get_user()), (&[7777][..], Some("ann")));
    assert_eq!((config.get_password(), config.get_dbname()), (Some(&b"pass"[..]), Some("envdb")));
    assert_eq!((mode, roots), (Mode::VerifyCa, Roots::File("/env.crt".into())));
    assert_eq!(config.get_options(), None);
    let full = "postgres://ann:own@db.test:6543/desk?sslmode=require";
    let Address { config, mode, .. } = Address::resolve(full, &options).unwrap();
    assert_eq!((config.get_hosts().len(), config.get_ports()), (1, &[6543][..]));
    assert_eq!((config.get_password(), mode), (Some(&b"own"[..]), Mode::Require));
    assert_eq!(Address::patience(&config), Duration::from_secs(2 * 4));
}
