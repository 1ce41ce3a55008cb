//! A database somebody else runs: its address as a URL or as `key=value` words, as libpq reads them. What the
//! address leaves open comes from the `PG*` variables, then from defaults; what tokio-postgres does not know
//! is understood here, or left out with a warning, or refused where leaving it out would be unsafe.

use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, TargetSessionAttrs};

use super::tls::{Mode, Roots};
use super::{Options, SourceError};

/// Where the server is, and how much of a certificate it must show.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) mode: Mode,
    pub(super) roots: Roots,
}

/// What tokio-postgres reads itself.
const KNOWN: [&str; 18] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "sslnegotiation",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];
/// What cannot be left out without another connection being made than was asked for.
const REFUSED: [&str; 6] = ["service", "passfile", "sslcert", "sslkey", "sslcrl", "krbsrvname"];

impl Address {
    pub(super) fn resolve(text: &str, options: &Options) -> Result<Self, SourceError> {
        let words = Words::split(text)?;
        let mut config = Config::from_str(&words.plain).map_err(unreadable)?;
        let (mut mode, mut roots) = (None, Roots::Unnamed);
        for (name, value) in &words.other {
            match name.as_str() {
                "sslmode" => mode = Some(value.parse()?),
                "sslrootcert" => roots = value.as_str().into(),
                "ssl" if value == "true" => mode = mode.or(Some(Mode::Require)),
                name if REFUSED.contains(&name) => {
                    return Err(SourceError::Address {
                        why: format!("`{name}` is not supported: take it out"),
                    });
                }
                // No value: it might be a secret.
                name => {
                    tracing::warn!(parameter = name, "the database address has a parameter that is not used");
                }
            }
        }
        fill(&mut config, &mut mode, &mut roots, &options.pg_env)?;
        defaults(&mut config, options);
        // As libpq has it: the authorities of the system vouch for names.
        let unsaid = if roots == Roots::System { Mode::VerifyFull } else { Mode::Prefer };
        let mut mode = mode.unwrap_or(unsaid);
        if config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
            && config.get_hostaddrs().is_empty()
        {
            // There is no TLS on a socket of this machine, and no need for it.
            mode = Mode::Disable;
        }
        config.ssl_mode(mode.negotiation());
        Ok(Self { config, mode, roots })
    }

    /// How long one attempt may take: over all hosts, and as long again for the handshake.
    pub(super) fn patience(config: &Config) -> Duration {
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len()).max(1);
        let each = config.get_connect_timeout().copied().unwrap_or(Options::default().connect_timeout);
        2 * each * u32::try_from(hosts).unwrap_or(1)
    }
}

/// An address, parted into what tokio-postgres reads and the rest.
struct Words {
    plain: String,
    other: Vec<(String, String)>,
}

impl Words {
    fn split(text: &str) -> Result<Self, SourceError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::split_url(text)
        } else {
            Self::split_pairs(text)
        }
    }

    fn split_url(text: &str) -> Result<Self, SourceError> {
        // A question mark in a password that should have been written %3F does not start the parameters; an @
        // in one would make its end a part of the host, which is shown.
        let after_password = text.find('@').map_or(0, |at| at + 1);
        let hosts = text[after_password..].split(['/', '?']).next().unwrap_or_default();
        if hosts.contains('@') {
            return Err(SourceError::Address {
                why: "there are two @ in it: inside a user or password, write it as %40".to_owned(),
            });
        }
        let Some(question) = text[after_password..].find('?').map(|at| at + after_password) else {
            return Ok(Self { plain: text.to_owned(), other: Vec::new() });
        };
        let (mut plain, mut other) = (text[..question].to_owned(), Vec::new());
        let mut joint = '?';
        for parameter in text[question + 1..].split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or_else(|| SourceError::Address {
                why: "after the `?`, parameters are written name=value and joined with `&`".to_owned(),
            })?;
            let name = decoded(name)?;
            if KNOWN.contains(&name.as_str()) {
                plain.extend([joint]);
                plain.push_str(parameter);
                joint = '&';
            } else {
                other.push((name, decoded(value)?));
            }
        }
        Ok(Self { plain, other })
    }

    fn split_pairs(text: &str) -> Result<Self, SourceError> {
        let (mut plain, mut other) = (String::new(), Vec::new());
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (name, after) = rest
                .split_once('=')
                .ok_or_else(|| SourceError::Address { why: "its words are written name=value".to_owned() })?;
            let name = name.trim();
            let (value, after) = pair_value(after.trim_start())?;
            rest = after.trim_start();
            if KNOWN.contains(&name) {
                let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
                plain.extend([name, "='", &quoted, "' "]);
            } else {
                other.push((name.to_owned(), value));
            }
        }
        Ok(Self { plain, other })
    }
}

/// The value at the start, with its quotes and backslashes undone, and what follows it.
fn pair_value(text: &str) -> Result<(String, &str), SourceError> {
    let (quoted, start) = match text.strip_prefix('\'') {
        Some(inner) => (true, inner),
        None => (false, text),
    };
    let mut value = String::new();
    let mut letters = start.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => value.extend(letters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &start[at + 1..])),
            letter if !quoted && letter.is_whitespace() => return Ok((value, &start[at..])),
            letter => value.push(letter),
        }
    }
    if quoted {
        return Err(SourceError::Address { why: "a quote is not closed".to_owned() });
    }
    Ok((value, ""))
}

fn decoded(text: &str) -> Result<String, SourceError> {
    let wrong =
        || SourceError::Address { why: "a `%` in it is not followed by two hexadecimal digits".to_owned() };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let digits =
                after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok()).ok_or_else(wrong)?;
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

/// Takes from the `PG*` variables what the address leaves open.
fn fill(
    config: &mut Config,
    mode: &mut Option<Mode>,
    roots: &mut Roots,
    variables: &[(String, String)],
) -> Result<(), SourceError> {
    let named = |name: &str| {
        let found = variables.iter().find(|(variable, value)| variable == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    };
    let wrong = |name: &str| SourceError::Address { why: format!("the variable {name} is not a fit value") };
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        for host in named("PGHOST").into_iter().flat_map(|hosts| hosts.split(',')) {
            config.host(host);
        }
        for address in named("PGHOSTADDR").into_iter().flat_map(|addresses| addresses.split(',')) {
            config.hostaddr(address.parse().map_err(|_| wrong("PGHOSTADDR"))?);
        }
    }
    if config.get_ports().is_empty() {
        for port in named("PGPORT").into_iter().flat_map(|ports| ports.split(',')) {
            config.port(port.parse().map_err(|_| wrong("PGPORT"))?);
        }
    }
    if let (None, Some(user)) = (config.get_user(), named("PGUSER")) {
        config.user(user);
    }
    if let (None, Some(password)) = (config.get_password(), named("PGPASSWORD")) {
        config.password(password);
    }
    if let (None, Some(name)) = (config.get_dbname(), named("PGDATABASE")) {
        config.dbname(name);
    }
    if let (None, Some(options)) = (config.get_options(), named("PGOPTIONS")) {
        config.options(options);
    }
    if let (None, Some(name)) = (config.get_application_name(), named("PGAPPNAME")) {
        config.application_name(name);
    }
    if let (None, Some(seconds)) = (config.get_connect_timeout(), named("PGCONNECT_TIMEOUT")) {
        config.connect_timeout(Duration::from_secs(seconds.parse().map_err(|_| wrong("PGCONNECT_TIMEOUT"))?));
    }
    if let (TargetSessionAttrs::Any, Some("read-write")) =
        (config.get_target_session_attrs(), named("PGTARGETSESSIONATTRS"))
    {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if let (None, Some(said)) = (*mode, named("PGSSLMODE")) {
        *mode = Some(said.parse()?);
    }
    if let (Roots::Unnamed, Some(said)) = (&*roots, named("PGSSLROOTCERT")) {
        *roots = said.into();
    }
    Ok(())
}

fn defaults(config: &mut Config, options: &Options) {
    const SOCKETS: &str = "/var/run/postgresql";
    const SYSTEM_IDLE: Duration = Duration::from_hours(2);
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        config.host(if std::path::Path::new(SOCKETS).is_dir() { SOCKETS } else { "localhost" });
    }
    if config.get_application_name().is_none() {
        config.application_name(&options.application_name);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(options.connect_timeout);
    }
    // A peer that vanished is noticed within a minute, not after hours.
    if config.get_keepalives_idle() == SYSTEM_IDLE {
        config.keepalives_idle(Duration::from_secs(30));
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(Duration::from_secs(10));
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(3);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_mins(1));
    }
}

/// tokio-postgres names what is wrong, and never the password.
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn unreadable(error: tokio_postgres::Error) -> SourceError {
    let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
    SourceError::Address {
        why: format!(
            "{why}. In a URL, the letters @ : / ? # % in a user or password are written as %40 %3A %2F %3F \
             %23 %25"
        ),
    }
}

#[cfg(test)]
mod tests;
