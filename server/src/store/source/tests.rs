//! What was asked for, and what a person is told when an address leads nowhere.

use super::*;

#[test]
fn sources_are_read() {
    let read = |text: &str| text.parse::<Source>().unwrap();
    assert_eq!(read("embedded"), Source::Embedded);
    assert_eq!(read(" local "), Source::Local(None));
    assert_eq!(read("local:/opt/pg/bin"), Source::Local(Some("/opt/pg/bin".into())));
    for address in ["postgres://u:p@h/d", "postgresql://h/d?a=b", "host=h dbname=d"] {
        assert_eq!(read(address), Source::Url(address.to_owned()));
    }
}

#[test]
fn what_is_no_source_is_refused_without_its_secrets() {
    for (text, shown) in [
        ("", "``"),
        ("embeded", "`embeded`"),
        ("local:", "`local:…`"),
        ("mysql://u:hunter2@h/d?x=y", "`mysql:…`"),
        ("postgre://u:hunter2@h/d", "`postgre:…`"),
        ("postgres:u:hunter2@h", "`postgres:…`"),
    ] {
        let sentence = text.parse::<Source>().unwrap_err().to_string();
        assert!(sentence.starts_with(shown) && sentence.contains("`embedded`"), "{sentence}");
        assert!(!sentence.contains("hunter2"), "{sentence}");
    }
    assert!(!format!("{:?}", Source::Url("postgres://u:hunter2@h/d".to_owned())).contains("hunter2"));
}

#[tokio::test]
async fn nobody_at_an_address_is_said_with_the_address() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let data = tempfile::tempdir().unwrap();
    let source = Source::Url(format!("postgres://u:hunter2@127.0.0.1:{port}/d"));
    let refused = Database::start(&source, data.path(), &Options::default()).await.unwrap_err();
    let sentence = refused.to_string();
    assert!(matches!(refused, SourceError::Unreachable { .. }), "{sentence}");
    assert!(sentence.contains(&format!("127.0.0.1:{port}")) && !sentence.contains("hunter2"), "{sentence}");
    assert_eq!(
        std::fs::read_dir(data.path()).unwrap().count(),
        0,
        "an address leaves nothing in the data folder"
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let source = Source::Url(format!("postgres://u@127.0.0.1:{port}/d?sslmode=disable"));
    let options = Options { connect_timeout: Duration::from_millis(50), ..Options::default() };
    let data = tempfile::tempdir().unwrap();
    let refused = Database::start(&source, data.path(), &options).await.unwrap_err();
    assert!(matches!(refused, SourceError::Slow { .. }), "{refused}");
}
