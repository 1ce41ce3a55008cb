//! How the store fails, told apart by what a caller can do about it.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, full, read-only or overloaded: the same request may succeed later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// Another incarnation of this node, or another node, has taken over: nothing may be written any more.
    #[error("this node's lease was taken over")]
    LeaseLost,
    /// The database was restored under a running server: what it knows of the log is worth nothing.
    #[error("the log has a new epoch")]
    EpochChanged,
    /// What was to be changed no longer stands as the caller thought.
    #[error("another write came first")]
    Stale,
    /// The database will never accept this.
    #[error("the database refused it ({code}): {message}")]
    Refused { code: String, message: String },
    #[error("the node's record in the data folder: {0}")]
    Record(#[from] std::io::Error),
    #[error(transparent)]
    Migration(#[from] super::migrate::MigrationError),
}

impl StoreError {
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(refusal) = error.as_db_error() else {
            return Self::Unavailable(error.to_string());
        };
        // Messages of the database quote constraint names and types, never the values of rows: `detail` does,
        // and is left out.
        let message = refusal.message().to_owned();
        match refusal.code().code() {
            "SB001" => Self::LeaseLost,
            "SB002" => Self::Stale,
            // Connection faults, resources, shutdown, deadlock and serialisation, read-only.
            code if ["08", "53", "57", "58", "40"].contains(&&code[..2]) => Self::Unavailable(message),
            code if *refusal.code() == SqlState::READ_ONLY_SQL_TRANSACTION => {
                Self::Unavailable(format!("{message} ({code})"))
            }
            code => Self::Refused { code: code.to_owned(), message },
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => match Self::from(error) {
                // A refused log-in or a missing database while connecting says nothing about the statement.
                Self::Refused { message, .. } => Self::Unavailable(message),
                other => other,
            },
            other => Self::Unavailable(other.to_string()),
        }
    }
}
