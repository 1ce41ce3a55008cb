//! What is done to a server under load.

use std::time::Duration;

use clap::ValueEnum;

use crate::proxy::Weather;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// `kill -9` of the server
    Kill,
    /// SIGTERM of the server, and another start
    Restart,
    /// `kill -9` of Postgres
    KillPostgres,
    /// An orderly restart of Postgres
    RestartPostgres,
    /// The disk under the server's data, and under Postgres, is full for a while
    FillDisk,
    /// Clients' connections are slow
    DelayClients,
    /// Clients' connections overtake each other
    JumbleClients,
    /// Nothing of the clients arrives, and nobody is told
    HoldClients,
    /// Clients' connections end in the middle of a chunk
    HalveClients,
    /// All clients' connections end, and no new one is taken
    CutClients,
    /// The connections to the database are slow
    DelayDatabase,
    /// Nothing reaches the database, and nobody is told
    HoldDatabase,
    /// The connections to the database end in the middle of a chunk
    HalveDatabase,
    /// The connections to the database end, and no new one is taken
    CutDatabase,
}

/// Whose network it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Clients,
    Database,
}

impl Fault {
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9 of the server",
            Self::Restart => "restart of the server",
            Self::KillPostgres => "kill -9 of Postgres",
            Self::RestartPostgres => "restart of Postgres",
            Self::FillDisk => "disk full",
            Self::DelayClients => "clients delayed",
            Self::JumbleClients => "clients jumbled",
            Self::HoldClients => "clients held",
            Self::HalveClients => "clients halved",
            Self::CutClients => "clients cut",
            Self::DelayDatabase => "database delayed",
            Self::HoldDatabase => "database held",
            Self::HalveDatabase => "database halved",
            Self::CutDatabase => "database cut",
        }
    }

    /// The weather that it makes, if it is one of the network.
    pub fn weather(self) -> Option<(Side, Weather)> {
        const SLOW: Duration = Duration::from_millis(150);
        const JUMBLED: Duration = Duration::from_millis(400);
        Some(match self {
            Self::Kill | Self::Restart | Self::KillPostgres | Self::RestartPostgres | Self::FillDisk => {
                return None;
            }
            Self::DelayClients => (Side::Clients, Weather::Delay(SLOW)),
            Self::JumbleClients => (Side::Clients, Weather::Jumble(JUMBLED)),
            Self::HoldClients => (Side::Clients, Weather::Hold),
            Self::HalveClients => (Side::Clients, Weather::Halve),
            Self::CutClients => (Side::Clients, Weather::Cut),
            Self::DelayDatabase => (Side::Database, Weather::Delay(SLOW)),
            Self::HoldDatabase => (Side::Database, Weather::Hold),
            Self::HalveDatabase => (Side::Database, Weather::Halve),
            Self::CutDatabase => (Side::Database, Weather::Cut),
        })
    }

    /// It needs a Postgres of its own process.
    pub fn is_of_postgres(self) -> bool {
        let by_network = self.weather().is_some_and(|(side, _)| side == Side::Database);
        by_network || matches!(self, Self::KillPostgres | Self::RestartPostgres)
    }
}
