//! Why the server closes a socket, and whether the client should come back.
//!
//! Invariant: 4000–4499 mean reconnect and resume, 4500–4999 mean do not.

use serde::Serialize;

/// A WebSocket close code of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u16)]
pub enum CloseCode {
    Draining = 4000,
    SlowConsumer = 4001,
    EpochChanged = 4002,
    SessionMoved = 4003,
    HeartbeatMissed = 4004,
    DatabaseUnavailable = 4005,
    TokenExpired = 4006,
    ProtocolViolation = 4500,
    NothingOpened = 4501,
    CredentialsRevoked = 4502,
    Flooding = 4503,
    UnsupportedVersion = 4504,
}

impl CloseCode {
    pub const ALL: [Self; 12] = [
        Self::Draining,
        Self::SlowConsumer,
        Self::EpochChanged,
        Self::SessionMoved,
        Self::HeartbeatMissed,
        Self::DatabaseUnavailable,
        Self::TokenExpired,
        Self::ProtocolViolation,
        Self::NothingOpened,
        Self::CredentialsRevoked,
        Self::Flooding,
        Self::UnsupportedVersion,
    ];

    /// The number in the close frame.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The code with this number, if it is one of this protocol.
    pub fn of(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// Whether the client should reconnect and resume.
    pub const fn reconnect(self) -> bool {
        self.code() < 4500
    }

    /// The text in the close frame, which holds at most 123 bytes of it.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Draining => "The server is restarting; reconnect and resume.",
            Self::SlowConsumer => "The connection reads too slowly; reconnect and resume.",
            Self::EpochChanged => "The log was restored from a backup; open again for a fresh page.",
            Self::SessionMoved => "The session moved to another server; reconnect and resume.",
            Self::HeartbeatMissed => "A ping went unanswered; reconnect and resume.",
            Self::DatabaseUnavailable => "The database is unavailable; reconnect later and resume.",
            Self::TokenExpired => "The token expired; open again with resume.",
            Self::ProtocolViolation => "A frame broke the protocol.",
            Self::NothingOpened => "Nothing was opened in time.",
            Self::CredentialsRevoked => "The credentials were revoked.",
            Self::Flooding => "Too many requests were sent too fast.",
            Self::UnsupportedVersion => "This version of the protocol is not supported.",
        }
    }

    /// The name for metrics and the schema.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::SlowConsumer => "slow_consumer",
            Self::EpochChanged => "epoch_changed",
            Self::SessionMoved => "session_moved",
            Self::HeartbeatMissed => "heartbeat_missed",
            Self::DatabaseUnavailable => "database_unavailable",
            Self::TokenExpired => "token_expired",
            Self::ProtocolViolation => "protocol_violation",
            Self::NothingOpened => "nothing_opened",
            Self::CredentialsRevoked => "credentials_revoked",
            Self::Flooding => "flooding",
            Self::UnsupportedVersion => "unsupported_version",
        }
    }
}
