//! Who is trusted to be the model's server: whom this machine trusts.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::config::OpenAiConfigError;

/// `needed` where the address asks for it; without, a machine that trusts nobody does no harm.
pub fn config(needed: bool) -> Result<ClientConfig, OpenAiConfigError> {
    let mut roots = RootCertStore::empty();
    if needed {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(OpenAiConfigError::NoAuthorities);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenAiConfigError::Client(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
