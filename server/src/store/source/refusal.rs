//! Turns what a failed connection says into a sentence for the person who wrote the address.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_postgres::error::{DbError, SqlState};

use super::SourceError;

pub(super) fn explain(config: &Config, error: &tokio_postgres::Error) -> SourceError {
    let at = place(config);
    if let Some(refusal) = error.as_db_error() {
        return refused(config, at, refusal);
    }
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    // The kinds of tokio-postgres are private; these words are what it shows of them.
    match error.to_string() {
        said if said.starts_with("error performing TLS handshake") => {
            SourceError::Handshake { at, why: handshake(error).unwrap_or(why) }
        }
        said if said.starts_with("invalid configuration") => {
            SourceError::Login { at, user: user(config), why }
        }
        _ if why.contains("lookup") => SourceError::NoHost { at, why },
        _ => SourceError::Unreachable { at, why },
    }
}

/// The hosts of an address, without user and password.
pub(super) fn place(config: &Config) -> String {
    let port = |at: usize| {
        let ports = config.get_ports();
        ports.get(at).or(ports.first()).copied().unwrap_or(5432)
    };
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| match host {
        Host::Tcp(name) => format!("{name}:{}", port(at)),
        Host::Unix(folder) => format!("{}/.s.PGSQL.{}", folder.display(), port(at)),
    });
    let hosts: Vec<_> = hosts.collect();
    if hosts.is_empty() {
        let addresses = config.get_hostaddrs().iter().enumerate();
        return addresses
            .map(|(at, address)| format!("{address}:{}", port(at)))
            .collect::<Vec<_>>()
            .join(", ");
    }
    hosts.join(", ")
}

fn refused(config: &Config, at: String, refusal: &DbError) -> SourceError {
    let why = refusal.message().to_owned();
    match *refusal.code() {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            SourceError::Login { at, user: user(config), why }
        }
        SqlState::INVALID_CATALOG_NAME => SourceError::NoDatabase {
            at,
            name: config.get_dbname().map_or_else(|| user(config), str::to_owned),
        },
        _ => SourceError::Refused { at, why },
    }
}

fn user(config: &Config) -> String {
    config.get_user().unwrap_or("of this process").to_owned()
}

fn handshake(error: &tokio_postgres::Error) -> Option<String> {
    let cause = error.source()?;
    if cause.to_string().contains("does not support TLS") {
        return Some("the server offers no TLS: switch it on there, or write sslmode=disable".to_owned());
    }
    let tls = cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(certificate) = tls else { return Some(tls.to_string()) };
    Some(match certificate {
        CertificateError::UnknownIssuer => {
            "no authority known here signed its certificate: name the file of the one that did with \
             sslrootcert=FILE"
                .to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
            "{certificate}: write the name that the certificate holds, or sslmode=verify-ca to trust \
             whatever that authority signed"
        ),
        other => other.to_string(),
    })
}
