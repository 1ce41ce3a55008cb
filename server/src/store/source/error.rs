//! Why there is no database, each as a sentence that says what to do. None holds a password.

use std::io;
use std::path::PathBuf;

use super::Kind;

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error(
        "{given} is not a database: write `embedded`, `local`, `local:DIRECTORY` with the folder of \
         Postgres' programs, or an address such as postgres://user:password@host:5432/name"
    )]
    Unknown { given: String },

    #[error("the address of the database cannot be read: {why}")]
    Address { why: String },
    #[error("TLS to the database cannot be set up: {why}")]
    Tls { why: String },
    #[error("no database answers at {at} ({why}): is Postgres running there, and are host and port right?")]
    Unreachable { at: String, why: String },
    #[error("the host {at} of the database is not known ({why}): is its name right?")]
    NoHost { at: String, why: String },
    #[error(
        "the database at {at} took longer than {seconds} s to answer: is it overloaded, or is a firewall \
         between?"
    )]
    Slow { at: String, seconds: u64 },
    #[error(
        "the database at {at} refused the user {user} ({why}): check user and password in the address, or \
         PGUSER and PGPASSWORD"
    )]
    Login { at: String, user: String, why: String },
    #[error(
        "there is no database {name} at {at}: create it (`createdb {name}`), or name another in the address"
    )]
    NoDatabase { at: String, name: String },
    #[error("the TLS connection to the database at {at} failed: {why}")]
    Handshake { at: String, why: String },
    #[error("the database at {at} takes no connection: {why}")]
    Refused { at: String, why: String },

    #[error("the folder {} cannot be used: {error}", folder.display())]
    Folder { folder: PathBuf, error: io::Error },
    #[error(
        "the database in {} is in use{}: stop that process, or start with another --data folder",
        folder.display(), by(*process)
    )]
    Held { folder: PathBuf, process: Option<u32> },
    #[error(
        "{} was made with the {made_as} database, and this start asks for {asked}. To move the data: \
         `switchboard export DIR` with --database {made_as}, then `switchboard import` of DIR on the other \
         one with an empty --data folder. To stay: start with --database {made_as}",
        folder.display()
    )]
    OtherKind { folder: PathBuf, made_as: Kind, asked: Kind },
    #[error(
        "{} does not say `embedded` or `local`: put back what it said, or use another --data folder",
        file.display()
    )]
    Marker { file: PathBuf },

    #[error("the embedded database does not run: {0}")]
    Embedded(String),

    #[error("local Postgres: {0}")]
    Local(#[from] LocalError),
}

/// What keeps a private cluster from running.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    #[error("{} holds no `postgres` and `initdb`", folder.display())]
    NotBinaries { folder: PathBuf },
    #[error(
        "no installed Postgres was found on the PATH or in /usr/lib/postgresql: install it \
         (`apt-get install postgresql`), name its folder with --database local:DIRECTORY, or use --database \
         embedded"
    )]
    NoBinaries,
    #[error(
        "the cluster in {} was made by Postgres {made_by}, and {found} is what is here: install Postgres \
         {made_by}, or name its folder with --database local:DIRECTORY", folder.display()
    )]
    OtherVersion { folder: PathBuf, made_by: u32, found: String },
    #[error(
        "Postgres does not run as root, and there is no `setpriv` to start it as another user: install \
         util-linux, or start as an ordinary user"
    )]
    NoSetpriv,
    #[error(
        "Postgres does not run as root, and there is neither a user `postgres` nor `nobody`: start as an \
         ordinary user"
    )]
    NoUser,
    #[error(
        "Postgres runs as the user {user}, who cannot enter {}: use --data with a folder such as \
         /var/lib/switchboard, allow it (`chmod o+x {}`), or start as an ordinary user",
        folder.display(), folder.display()
    )]
    OutOfReach { folder: PathBuf, user: String },
    #[error(
        "{} belongs to another user (id {owner}): start as that user, or use another --data folder",
        folder.display()
    )]
    OtherOwner { folder: PathBuf, owner: u32 },
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("`{program}` cannot be run: {error}")]
    Program { program: String, error: io::Error },
    #[error("initdb failed: {output}")]
    Initdb { output: String },
    #[error("the cluster in {} is in use by process {process}: stop it first", folder.display())]
    Occupied { folder: PathBuf, process: i32 },
    #[error("Postgres ended ({how}). The end of its log:\n{log}")]
    Ended { how: String, log: String },
    #[error("Postgres was not ready after {seconds} s. The end of its log:\n{log}")]
    NotReady { seconds: u64, log: String },
    #[error("Postgres did not stop within {seconds} s and was made to; it recovers at the next start")]
    NotStopped { seconds: u64 },
}

fn by(process: Option<u32>) -> String {
    process.map_or_else(String::new, |id| format!(" by the process {id}"))
}
