//! The cluster on the disk: made once, whole or not at all, and free of what a killed predecessor left
//! behind.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::sysinfo::sysinfo;
use nix::unistd::{Pid, syncfs};

use super::LocalError;
use super::account::Account;
use super::binaries::Binaries;

/// Owns everything in the cluster; there is no password, only the closed folder of the socket.
pub(super) const USER: &str = "switchboard";

/// The kernel takes no longer path for a socket.
const SOCKET_PATH: usize = 107;
/// Of a file that nobody else rotates.
const LOG_BYTES: u64 = 10 << 20;
/// For a predecessor to write its last checkpoint.
const PREDECESSOR: Duration = Duration::from_mins(1);

/// For one server on a small box. In the cluster's own file, so that whoever runs it can change it there.
const SETTINGS: &str = "
# Switchboard: one server on a small box. Change what you like; this was written once.
max_connections = 60
max_wal_size = 2GB
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
# What people write does not belong in a log.
log_error_verbosity = terse
log_min_error_statement = panic
";

/// A quarter of the memory that this process may have, as is usual for Postgres, within bounds: most of a desk's tables fit.
fn cache_mib() -> u64 {
    let machine = sysinfo().map_or(0, |machine| machine.ram_total());
    let container =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|most| most.trim().parse().ok());
    (machine.min(container.unwrap_or(u64::MAX)) / 4 / 1024 / 1024).clamp(128, 1024)
}

#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) data: PathBuf,
    pub(super) socket: PathBuf,
    pub(super) log: PathBuf,
    pub(super) account: Account,
}

/// A cluster that exists, and the version that made it.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) folder: PathBuf,
    pub(super) by: u32,
}

pub(super) fn made(place: &Path) -> Result<Option<Made>, LocalError> {
    let folder = data_of(place);
    let file = folder.join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(version) => {
            let by = version.trim().parse().map_err(|error| failed(&file)(io::Error::other(error)))?;
            Ok(Some(Made { folder, by }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(&file)(error)),
    }
}

impl Cluster {
    /// Makes it in `place`, a folder inside the data folder, or finds it there; nothing runs on it
    /// afterwards.
    pub(super) fn prepare(place: &Path, binaries: &Binaries, fsync: bool) -> Result<Self, LocalError> {
        let account = Account::choose(place)?;
        if let Some(data) = place.parent() {
            account.admit(data)?;
            account.check_reach(data)?;
        }
        account.check_reach(binaries.folder())?;
        make_private(place, &account)?;
        let data = data_of(place);
        if !data.join("PG_VERSION").is_file() {
            initialise(place, binaries, &account, fsync)?;
        }
        clear_away_predecessor(&data)?;
        let socket = socket_folder(place, &data, &account)?;
        let log = place.join("log");
        if fs::metadata(&log).is_ok_and(|metadata| metadata.len() > LOG_BYTES) {
            fs::rename(&log, place.join("log.1")).map_err(failed(&log))?;
        }
        Ok(Self { data, socket, log, account })
    }
}

fn data_of(place: &Path) -> PathBuf {
    place.join("cluster")
}

fn initialise(place: &Path, binaries: &Binaries, account: &Account, fsync: bool) -> Result<(), LocalError> {
    let draft = place.join("cluster.new");
    // Bytes sort as in C, the fastest; letters are those of UTF-8 where the system knows them.
    let locales: [&[&str]; 2] = [&["--locale=C", "--lc-ctype=C.UTF-8"], &["--locale=C"]];
    let mut output = String::new();
    for locale in locales {
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(failed(&draft))?;
        }
        let initdb = binaries.program("initdb");
        let ran = account
            .command(&initdb)
            .args(["--no-sync", "-A", "trust", "-U", USER, "--encoding=UTF8"])
            .args(locale)
            .arg("-D")
            .arg(&draft)
            .output()
            .map_err(|error| LocalError::Program { program: initdb.display().to_string(), error })?;
        if ran.status.success() {
            let conf = draft.join("postgresql.conf");
            let mut file = OpenOptions::new().append(true).open(&conf).map_err(failed(&conf))?;
            let settings = format!("{SETTINGS}shared_buffers = {}MB\n", cache_mib());
            file.write_all(settings.as_bytes()).map_err(failed(&conf))?;
            let data = data_of(place);
            fs::rename(&draft, &data).map_err(failed(&data))?;
            if fsync {
                // One call for the thousand files, instead of initdb's wait for each.
                let synced = File::open(place).and_then(|folder| syncfs(folder).map_err(io::Error::from));
                synced.map_err(failed(place))?;
            }
            return Ok(());
        }
        String::from_utf8_lossy(&ran.stderr).trim().clone_into(&mut output);
    }
    Err(LocalError::Initdb { output })
}

/// A server that was killed may have left a Postgres that is still on its way out, or only its lock file,
/// whose process id may by now be somebody else's.
fn clear_away_predecessor(data: &Path) -> Result<(), LocalError> {
    let lock = data.join("postmaster.pid");
    let postmaster: Option<i32> = fs::read_to_string(&lock)
        .ok()
        .and_then(|text| text.lines().next().and_then(|line| line.trim().parse().ok()));
    let started = Instant::now();
    let mut asked = false;
    while let Some(process) = running_on(data) {
        if started.elapsed() > PREDECESSOR {
            return Err(LocalError::Occupied { folder: data.to_owned(), process });
        }
        if !asked && postmaster == Some(process) {
            tracing::warn!("the Postgres of a server that was killed still runs: waiting for it to stop");
            kill(Pid::from_raw(process), Signal::SIGINT).ok();
            asked = true;
        }
        sleep(Duration::from_millis(20));
    }
    match fs::remove_file(&lock) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&lock)(error)),
        _ => Ok(()),
    }
}

/// A process that works in the cluster, its postmaster first: each of Postgres' processes does.
fn running_on(data: &Path) -> Option<i32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|cwd| cwd == data)).min()
}

/// In the data folder or, where that is too long a path, in a folder of the same user among the temporary
/// ones.
fn socket_folder(place: &Path, data: &Path, account: &Account) -> Result<PathBuf, LocalError> {
    let near = place.join("socket");
    let length = near.as_os_str().as_bytes().len() + "/.s.PGSQL.5432".len();
    let folder = if length <= SOCKET_PATH {
        near
    } else {
        let cluster = fs::metadata(data).map_err(failed(data))?;
        PathBuf::from(format!("/tmp/switchboard-{:x}-{:x}", cluster.dev(), cluster.ino()))
    };
    make_private(&folder, account)?;
    Ok(folder)
}

/// A folder that only the account can enter. One that is there already must be its own.
fn make_private(folder: &Path, account: &Account) -> Result<(), LocalError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => account.give(folder),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && account.owns(folder) => Ok(()),
        // Made by this process' like, and not handed over before it died.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && account.may_take(folder) => {
            account.give(folder)
        }
        Err(error) => Err(failed(folder)(error)),
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> LocalError {
    move |error| LocalError::File { path: path.to_owned(), error }
}
