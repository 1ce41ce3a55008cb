//! Who is trusted to be the server at an https:// address: whom this machine trusts.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("no certificate authority is known here, so an https:// address cannot be trusted")]
    NoAuthorities,
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// What a client goes by. `needed` where an address asks for it now; without, a machine that trusts nobody does no
/// harm.
pub fn client(needed: bool) -> Result<ClientConfig, TrustError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if needed && roots.is_empty() {
        return Err(TrustError::NoAuthorities);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
