//! The frames of the control socket, and who gets to listen at it.

use std::os::unix::fs::PermissionsExt;

use tokio::io::duplex;

use super::client::{ControlError, Server};
use super::*;

async fn read(line: &[u8]) -> Result<Command, String> {
    request(&mut BufReader::new(line)).await
}

#[tokio::test]
async fn a_request_is_one_line_of_json() {
    assert_eq!(
        read(b"{\"command\":\"key_list\"}\n{\"command\":\"user_list\"}\n").await,
        Ok(Command::KeyList)
    );
    assert_eq!(read(b"{\"command\":\"key_list\"}").await, Ok(Command::KeyList));
    for bad in [
        &b""[..],
        b"\n",
        b"nonsense\n",
        b"{\"command\":\"no\"}\n",
        b"\xff\xfe\n",
        b"{\"command\":\"key_list\"\n}\n",
    ] {
        assert!(read(bad).await.unwrap_err().contains("not understood"), "{bad:?}");
    }
}

#[tokio::test]
async fn a_request_is_bounded() {
    let name = "x".repeat(REQUEST - 100);
    let line = format!("{{\"command\":\"key_revoke\",\"name\":\"{name}\"}}\n");
    assert_eq!(read(line.as_bytes()).await, Ok(Command::KeyRevoke { name, workspace: None }));
    let endless = vec![b' '; REQUEST * 2];
    assert!(read(&endless).await.unwrap_err().contains("at most 1048576 bytes"));
}

#[tokio::test]
async fn answers_are_a_line_each_and_end_when_nobody_reads() {
    let (mut here, there) = duplex(1 << 16);
    let (output, answers) = Output::channel();
    output.line("one\ntwo").await.unwrap();
    output.note("three").await.unwrap();
    drop(output);
    tell(&mut here, answers).await.unwrap();
    drop(here);
    let mut lines = BufReader::new(there).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), r#"{"line":"one\ntwo"}"#);
    assert_eq!(lines.next_line().await.unwrap().unwrap(), r#"{"note":"three"}"#);
    assert_eq!(lines.next_line().await.unwrap(), None);

    let (mut here, there) = duplex(16);
    drop(there);
    let (output, answers) = Output::channel();
    output.line("lost").await.unwrap();
    assert!(tell(&mut here, answers).await.is_err());
    assert!(output.line("nobody").await.is_err());
}

#[tokio::test]
async fn one_server_listens_and_a_dead_ones_socket_is_no_obstacle() {
    let data = tempfile::tempdir().unwrap();
    assert!(Server::find(data.path()).await.unwrap().is_none());
    let listener = Listener::bind(data.path()).unwrap();
    let mode = std::fs::metadata(path(data.path())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(Server::find(data.path()).await.unwrap().is_some());
    let refused = format!("{:#}", Listener::bind(data.path()).unwrap_err());
    assert!(refused.contains("another server runs"), "{refused}");
    drop(listener);
    assert!(!path(data.path()).exists());

    // A server that was killed leaves its file.
    drop(std::os::unix::net::UnixListener::bind(path(data.path())).unwrap());
    assert!(path(data.path()).exists());
    assert!(Server::find(data.path()).await.unwrap().is_none());
    Listener::bind(data.path()).unwrap();
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_said() {
    let data = tempfile::tempdir().unwrap();
    let deep = data.path().join("d".repeat(120));
    std::fs::create_dir(&deep).unwrap();
    let refused = format!("{:#}", Listener::bind(&deep).unwrap_err());
    assert!(refused.contains("use a shorter --data"), "{refused}");
    assert!(Server::find(&deep).await.unwrap().is_none());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error() {
    let data = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(path(data.path())).unwrap();
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        assert_eq!(line, "{\"command\":\"user_list\"}\n");
        stream.write_all(b"{\"line\":\"a\"}\n").await.unwrap();
    };
    let mut heard = Vec::new();
    let client = async {
        let server = Server::find(data.path()).await.unwrap().unwrap();
        server.run(&Command::UserList, |answer| heard.push(answer)).await
    };
    let ((), ended) = tokio::join!(server, client);
    assert!(matches!(ended, Err(ControlError::Ended)));
    assert_eq!(heard, [Answer::Line { line: "a".to_owned() }]);
}
