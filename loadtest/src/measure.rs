//! What processes cost, read from /proc: CPU time and memory, of a server and of the Postgres below it.
//!
//! Only processes of this machine can be measured; for others there is simply no figure.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use serde::Serialize;

/// Linux counts CPU time in hundredths of a second, whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);

/// A process, a process and the family below it as Postgres is one, or everything that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Machine,
    Process(u32),
    Family(u32),
}

/// CPU time from a moment on.
pub struct Stopwatch {
    target: Target,
    cpu: Duration,
    since: Instant,
}

/// How busy a process was, in cores.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cores(pub f64);

/// Who takes the machine's cores while something is measured.
pub struct Watches {
    server: Option<Stopwatch>,
    postgres: Option<Stopwatch>,
    tester: Option<Stopwatch>,
    machine: Option<Stopwatch>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Busy {
    #[serde(rename = "server_cores")]
    pub server: Option<Cores>,
    #[serde(rename = "postgres_cores")]
    pub postgres: Option<Cores>,
    #[serde(rename = "tester_cores")]
    pub tester: Option<Cores>,
    /// What all others on the machine took, the kernel's share included.
    #[serde(rename = "other_cores")]
    pub others: Option<Cores>,
}

impl Watches {
    pub fn start(server: Option<Target>, postgres: Option<Target>) -> Self {
        let [server, postgres, tester, machine] =
            [server, postgres, Some(Target::myself()), Some(Target::Machine)]
                .map(|target| target.and_then(Stopwatch::start));
        Self { server, postgres, tester, machine }
    }

    pub fn stop(self) -> Busy {
        let [server, postgres, tester, machine] = [self.server, self.postgres, self.tester, self.machine]
            .map(|watch| watch.and_then(Stopwatch::stop));
        let ours: f64 = [server, postgres, tester].into_iter().flatten().map(|cores| cores.0).sum();
        let others = machine.map(|Cores(all)| Cores((all - ours).max(0.0)));
        Busy { server, postgres, tester, others }
    }
}

impl Stopwatch {
    pub fn start(target: Target) -> Option<Self> {
        Some(Self { target, cpu: target.cpu()?, since: Instant::now() })
    }

    pub fn stop(self) -> Option<Cores> {
        let cpu = self.target.cpu()?.saturating_sub(self.cpu);
        Some(Cores(cpu.as_secs_f64() / self.since.elapsed().as_secs_f64()))
    }
}

impl Target {
    pub fn myself() -> Self {
        Self::Process(std::process::id())
    }

    pub fn cpu(self) -> Option<Duration> {
        match self {
            Self::Machine => machine(&fs::read_to_string("/proc/stat").ok()?),
            Self::Process(pid) => Some(Stat::of(pid)?.cpu),
            Self::Family(pid) => {
                let root = Stat::of(pid)?;
                let members = descendants(pid).into_iter().filter_map(Stat::of);
                Some(
                    root.cpu
                        + root.reaped
                        + members.map(|member| member.cpu + member.reaped).sum::<Duration>(),
                )
            }
        }
    }

    /// Bytes of memory. A family shares pages, so that its members' shares are added instead.
    pub fn memory(self) -> Option<u64> {
        match self {
            Self::Machine => None,
            Self::Process(pid) => field(&format!("/proc/{pid}/status"), "VmRSS:"),
            Self::Family(pid) => {
                let share = |pid: u32| field(&format!("/proc/{pid}/smaps_rollup"), "Pss:");
                Some(share(pid)? + descendants(pid).into_iter().filter_map(share).sum::<u64>())
            }
        }
    }

    /// Files and sockets that it has open.
    pub fn handles(self) -> Option<u64> {
        self.entries("fd")
    }

    pub fn threads(self) -> Option<u64> {
        self.entries("task")
    }

    /// How many processes a family has.
    pub fn members(self) -> u64 {
        match self {
            Self::Machine => 0,
            Self::Process(_) => 1,
            Self::Family(pid) => descendants(pid).len() as u64 + 1,
        }
    }

    fn entries(self, of: &str) -> Option<u64> {
        match self {
            Self::Machine => None,
            Self::Process(pid) | Self::Family(pid) => {
                Some(fs::read_dir(format!("/proc/{pid}/{of}")).ok()?.count() as u64)
            }
        }
    }
}

/// The Postgres that a server has started below itself.
pub fn postgres_below(server: u32) -> Option<u32> {
    let mut below = descendants(server).into_iter().filter(|pid| is_postgres(*pid));
    below.find(|pid| Stat::of(*pid).is_some_and(|stat| !is_postgres(stat.parent)))
}

/// The postmaster above a backend, where that backend is a process of this machine.
pub fn postmaster_of(backend: u32) -> Option<u32> {
    let parent = Stat::of(backend).filter(|_| is_postgres(backend))?.parent;
    is_postgres(parent).then_some(parent)
}

/// The process that listens on a port of this machine.
pub fn listener(port: u16) -> Option<u32> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().filter_map(|line| listening_inode(line, port)).collect::<Vec<_>>())
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    processes().find(|pid| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut links = descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
        links.any(|link| sockets.iter().any(|socket| link.as_os_str() == socket.as_str()))
    })
}

/// How many files this process may have open.
pub fn open_file_limit() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// The part of /proc/PID/stat that is needed here.
struct Stat {
    parent: u32,
    cpu: Duration,
    /// Of children that have ended.
    reaped: Duration,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name of a program may hold spaces and brackets, so the fields are counted from its end.
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |nth: usize| fields.get(nth)?.parse::<u32>().ok().map(|ticks| TICK * ticks);
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            cpu: ticks(11)? + ticks(12)?,
            reaped: ticks(13)? + ticks(14)?,
        })
    }
}

/// User, nice, system, both kinds of interrupts, and what the host took away; neither idle nor waiting.
fn machine(stat: &str) -> Option<Duration> {
    let fields: Vec<&str> = stat.lines().next()?.split_whitespace().collect();
    let busy =
        [1, 2, 3, 6, 7, 8].map(|nth| fields.get(nth).and_then(|ticks| ticks.parse().ok()).unwrap_or(0));
    Some(TICK * busy.iter().sum::<u32>())
}

fn descendants(of: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in processes() {
        if let Some(stat) = Stat::of(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![of];
    while let Some(parent) = open.pop() {
        let below = children.remove(&parent).unwrap_or_default();
        open.extend(&below);
        found.extend(below);
    }
    found
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn is_postgres(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres")
}

fn listening_inode(line: &str, port: u16) -> Option<String> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let local = fields.get(1)?.rsplit_once(':')?.1;
    let found = fields.get(3)? == &LISTEN && u16::from_str_radix(local, 16) == Ok(port);
    found.then(|| fields.get(9).map(ToString::to_string)).flatten()
}

/// A line such as `VmRSS:   1234 kB`, in bytes.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Stat, Target, listener, listening_inode, machine};

    #[test]
    fn a_stat_line_is_read_behind_a_name_with_brackets() {
        let stat = Stat::parse("7 (a (b) c) S 3 7 7 0 -1 4194304 1 2 3 4 150 50 20 30 20 0 1 0 1").unwrap();
        assert_eq!((stat.parent, stat.cpu), (3, Duration::from_secs(2)));
        assert_eq!(stat.reaped, Duration::from_millis(500));
    }

    #[test]
    fn a_machine_is_busy_where_it_neither_idles_nor_waits() {
        let stat = "cpu  100 20 30 9999 9999 4 5 41 0 0\ncpu0 1 2 3";
        assert_eq!(machine(stat), Some(Duration::from_secs(2)));
    }

    #[test]
    fn only_a_listening_socket_of_the_port_counts() {
        let line = "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4242 1";
        assert_eq!(listening_inode(line, 8080).as_deref(), Some("4242"));
        assert_eq!(listening_inode(line, 8081), None);
        assert_eq!(listening_inode(&line.replace(" 0A ", " 01 "), 8080), None);
    }

    #[test]
    fn this_process_is_found_by_its_port_and_weighed() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert_eq!(listener(socket.local_addr().unwrap().port()), Some(std::process::id()));
        assert!(Target::myself().memory().unwrap() > 100_000);
        assert!(Target::myself().cpu().is_some());
    }
}
