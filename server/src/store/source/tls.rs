//! What `sslmode` means, with rustls. As with libpq, `prefer` and `require` encrypt without asking who
//! answers, `verify-ca` asks for a certificate of a trusted authority, and `verify-full` for the name in it
//! as well. `require` with a CA file is `verify-ca`, as libpq has it.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::SourceError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Whose word counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Roots {
    #[default]
    Unnamed,
    /// The authorities that this machine trusts.
    System,
    File(PathBuf),
}

impl FromStr for Mode {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text {
            "disable" => Ok(Self::Disable),
            // libpq tries without TLS first; nobody needs that order.
            "prefer" | "allow" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(SourceError::Address {
                why: format!(
                    "sslmode={text} is not known: write disable, prefer, require, verify-ca or verify-full"
                ),
            }),
        }
    }
}

impl From<&str> for Roots {
    fn from(text: &str) -> Self {
        if text == "system" { Self::System } else { Self::File(text.into()) }
    }
}

impl Mode {
    /// How much of it tokio-postgres decides: whether there is TLS at all.
    pub(super) fn negotiation(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::VerifyCa | Self::VerifyFull => SslMode::Require,
        }
    }

    /// What is asked of the server's certificate.
    fn check(self, roots: &Roots) -> Check {
        match (self, roots) {
            (Self::Disable | Self::Prefer, _) | (Self::Require, Roots::Unnamed) => Check::Nothing,
            (Self::VerifyFull, _) | (_, Roots::System) => Check::Name,
            (Self::Require | Self::VerifyCa, _) => Check::Authority,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Nothing,
    Authority,
    Name,
}

/// `None` where there is to be no TLS.
pub(super) fn connector(mode: Mode, roots: &Roots) -> Result<Option<MakeRustlsConnect>, SourceError> {
    if mode == Mode::Disable { Ok(None) } else { Ok(Some(MakeRustlsConnect::new(config(mode, roots)?))) }
}

fn config(mode: Mode, roots: &Roots) -> Result<ClientConfig, SourceError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(mode.check(roots), roots, &provider)?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SourceError::Tls { why: error.to_string() })?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    check: Check,
    /// There is one wherever something is checked.
    chain: Option<Arc<WebPkiServerVerifier>>,
    trusted: Vec<CertificateDer<'static>>,
}

impl Verifier {
    fn new(check: Check, roots: &Roots, provider: &Arc<CryptoProvider>) -> Result<Self, SourceError> {
        let mut verifier = Self { provider: provider.clone(), check, chain: None, trusted: Vec::new() };
        if check == Check::Nothing {
            return Ok(verifier);
        }
        let mut store = RootCertStore::empty();
        match roots {
            Roots::File(file) => {
                verifier.trusted = certificates(file)?;
                store.add_parsable_certificates(verifier.trusted.iter().cloned());
            }
            Roots::Unnamed | Roots::System => {
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone());
        let chain = chain.build().map_err(|_| SourceError::Tls {
            why: "no certificate authority is known here: name a file with sslrootcert=FILE".to_owned(),
        })?;
        verifier.chain = Some(chain);
        Ok(verifier)
    }

    /// A certificate that signed itself, as a server's first one often has, is itself the file of trusted
    /// ones; webpki takes no authority as a server, so that it is the very same one is looked at here.
    fn trusts_itself(&self, certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<bool, Error> {
        if !self.trusted.iter().any(|trusted| trusted == certificate) {
            return Ok(false);
        }
        if self.check == Check::Name {
            rustls::client::verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        }
        Ok(true)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // The name is looked at last, after the chain was found good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.check == Check::Authority => Ok(ServerCertVerified::assertion()),
            Err(Error::InvalidCertificate(CertificateError::Other(_) | CertificateError::UnknownIssuer))
                if self.trusts_itself(certificate, name)? =>
            {
                Ok(ServerCertVerified::assertion())
            }
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, SourceError> {
    let refused = |why: String| SourceError::Tls { why: format!("sslrootcert={}: {why}", file.display()) };
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(file).map_err(|error| refused(error.to_string()))?.collect();
    match found {
        Ok(found) if found.is_empty() => Err(refused("there is no certificate in it".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(refused(error.to_string())),
    }
}

#[cfg(test)]
mod tests;
