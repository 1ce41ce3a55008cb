//! The dialect of Socket.IO: its events and acknowledgements as frames of JSON-RPC, so that the scenarios need not know.
//!
//! A packet is one text frame: `0{…}` opens, `2` is a ping, `40{…}` the session, `42[…]` an event, `43id[…]` an answer.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::Gone;

pub const PONG: &str = "3";

/// What a client needs to be recovered: who it was, and the last event that it has received.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<String>,
}

/// What a packet amounts to.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Frame(Utf8Bytes),
    Ping,
    /// The session is there, a new one or the one before.
    Connected,
    Nothing,
}

/// The first packet of a client, with the session that it wants back.
pub fn hello(session: Option<&Session>) -> String {
    let session = session.and_then(|session| serde_json::to_string(session).ok());
    format!("40{}", session.unwrap_or_default())
}

pub fn request(id: u64, method: &str, params: &str) -> String {
    format!("42{id}[\"{method}\",{params}]")
}

impl Session {
    /// Takes in a packet of the server.
    pub fn hear(&mut self, packet: &str) -> Result<Heard, Gone> {
        let nonsense = || Gone::Nonsense(format!("no packet of Socket.IO: {}", super::wire::start(packet)));
        if let Some(answer) = packet.strip_prefix("43") {
            // The answer is an object, to which its number is added.
            let (id, answer) = answer.split_once("[{").ok_or_else(nonsense)?;
            let answer = answer.strip_suffix(']').ok_or_else(nonsense)?;
            return Ok(Heard::Frame(format!("{{\"id\":{id},{answer}").into()));
        }
        if let Some(event) = packet.strip_prefix("42") {
            let parts: Vec<&RawValue> = serde_json::from_str(event).map_err(|_| nonsense())?;
            let [name, params, rest @ ..] = &parts[..] else { return Err(nonsense()) };
            if let Some(offset) = rest.last() {
                self.offset = Some(serde_json::from_str(offset.get()).map_err(|_| nonsense())?);
            }
            let frame = format!("{{\"method\":{},\"params\":{}}}", name.get(), params.get());
            return Ok(Heard::Frame(frame.into()));
        }
        if let Some(session) = packet.strip_prefix("40") {
            let Session { pid, .. } = serde_json::from_str(session).map_err(|_| nonsense())?;
            if self.pid != pid {
                // Missed events of another session would have come before.
                *self = Session { pid, offset: None };
            }
            return Ok(Heard::Connected);
        }
        match packet.as_bytes().first() {
            Some(b'2') => Ok(Heard::Ping),
            Some(b'0' | b'6') => Ok(Heard::Nothing),
            _ => Err(nonsense()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard, Session, hello, request};

    fn heard(session: &mut Session, packet: &str) -> String {
        match session.hear(packet).unwrap() {
            Heard::Frame(frame) => frame.to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn packets_become_frames_and_the_last_event_is_remembered() {
        let mut session = Session::default();
        assert_eq!(hello(None), "40");
        assert_eq!(request(7, "message.send", r#"{"a":1}"#), r#"427["message.send",{"a":1}]"#);
        assert_eq!(heard(&mut session, r#"0{"sid":"s"}"#), "Nothing");
        assert_eq!(heard(&mut session, r#"40{"sid":"s","pid":"p"}"#), "Connected");
        assert_eq!(heard(&mut session, "2"), "Ping");
        assert_eq!(heard(&mut session, r#"437[{"result":{"seq":1}}]"#), r#"{"id":7,"result":{"seq":1}}"#);
        let event = heard(&mut session, r#"42["message.created",{"message":{"seq":2}},"o2"]"#);
        assert_eq!(event, r#"{"method":"message.created","params":{"message":{"seq":2}}}"#);
        assert_eq!(hello(Some(&session)), r#"40{"pid":"p","offset":"o2"}"#);
    }

    #[test]
    fn a_session_that_is_not_given_back_is_another_one() {
        let mut session = Session { pid: "p".into(), offset: Some("o".into()) };
        heard(&mut session, r#"40{"sid":"s","pid":"p"}"#);
        assert_eq!(hello(Some(&session)), r#"40{"pid":"p","offset":"o"}"#);
        heard(&mut session, r#"40{"sid":"s","pid":"q"}"#);
        assert_eq!(hello(Some(&session)), r#"40{"pid":"q"}"#);
    }

    #[test]
    fn anything_else_is_nonsense() {
        for packet in ["", "41", "44{}", "43x", "42{}", "40x", "hello"] {
            assert!(Session::default().hear(packet).is_err(), "{packet}");
        }
    }
}
