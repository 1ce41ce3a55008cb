//! Where a webhook may lead: to a public address over https, unless the operator allows private ones.
//!
//! Invariant: what is connected to is an address that was checked, whatever its name leads to a moment later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Characters of an address at most.
const LONGEST: usize = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("that is no address such as https://example.com/hooks/desk")]
    Unreadable,
    #[error("the address has to begin with https://")]
    Insecure,
    #[error("a user name and password do not belong into the address: the signature says who it is")]
    Credentials,
    #[error(
        "it leads to an address that is not public, which this server allows only with --allow-private-webhooks on"
    )]
    Private,
}

/// The address as it will be sent to. A name in it is looked up, and checked, when it is.
pub fn check(url: &str, allow_private: bool) -> Result<Url, AddressError> {
    let parsed = Url::parse(url).ok().filter(|_| url.len() <= LONGEST).ok_or(AddressError::Unreadable)?;
    match parsed.scheme() {
        "https" => {}
        "http" if allow_private => {}
        "http" => return Err(AddressError::Insecure),
        _ => return Err(AddressError::Unreadable),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(AddressError::Credentials);
    }
    let host = parsed.host_str().ok_or(AddressError::Unreadable)?;
    // In whatever way it was spelled, an address in numbers has become one of these.
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    if literal.is_some_and(|address| !allow_private && !is_public(address)) {
        return Err(AddressError::Private);
    }
    Ok(parsed)
}

/// Looks names up; where one of its addresses may not be connected to, none is.
#[derive(Clone, Copy, Debug)]
pub struct CheckedNames {
    pub allow_private: bool,
}

impl CheckedNames {
    pub fn resolver(self) -> Arc<Self> {
        Arc::new(self)
    }
}

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !allow_private && found.iter().any(|address| !is_public(address.ip())) {
                return Err(AddressError::Private.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to the internet at large.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        // This network, private, loopback, link-local, multicast, reserved, broadcast.
        (0 | 10 | 127 | 224.., ..) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _)
        // Shared by carriers.
        | (100, 64..=127, _)
        // Assignments of protocols, 6to4 relays, documentation, measurements.
        | (192, 0, 0 | 2) | (192, 88, 99) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    // Only this part has been handed out; mapped, local and multicast addresses are outside of it.
    let handed_out = (0x2000..0x4000).contains(&a);
    let special = matches!(
        (a, b),
        // Teredo and other protocols, documentation.
        (0x2001, 0..=0x01ff | 0x0db8)
        // 6to4, which wraps an address of version 4; documentation.
        | (0x2002, _) | (0x3fff, 0..=0x0fff)
    );
    handed_out && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_internet_is_not_public() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860::8888",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_is_public_and_secure_unless_private_ones_are_allowed() {
        for (url, error) in [
            ("https://example.com/hook?a=b", None),
            ("https://1.1.1.1/", None),
            ("http://example.com/", Some(AddressError::Insecure)),
            ("ftp://example.com/", Some(AddressError::Unreadable)),
            ("example.com", Some(AddressError::Unreadable)),
            ("https://", Some(AddressError::Unreadable)),
            ("https://kim:secret@example.com/", Some(AddressError::Credentials)),
            ("https://127.0.0.1/", Some(AddressError::Private)),
            ("https://[::1]/", Some(AddressError::Private)),
            ("https://[::ffff:7f00:1]/", Some(AddressError::Private)),
            // Other spellings of 127.0.0.1.
            ("https://2130706433/", Some(AddressError::Private)),
            ("https://0x7f.1/", Some(AddressError::Private)),
            ("https://127.1/", Some(AddressError::Private)),
        ] {
            assert_eq!(check(url, false).err(), error, "{url}");
        }
        for url in ["http://127.0.0.1:9/", "https://[::1]/", "http://hook.internal/"] {
            assert!(check(url, true).is_ok(), "{url}");
        }
        assert_eq!(check("https://a:b@example.com/", true).err(), Some(AddressError::Credentials));
        let long = format!("https://example.com/{}", "a".repeat(2_000));
        assert_eq!(check(&long, false).err(), Some(AddressError::Unreadable));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_followed() {
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = CheckedNames { allow_private: false }.resolve(name()).await.err().unwrap();
        assert_eq!(refused.downcast_ref::<AddressError>(), Some(&AddressError::Private));
        let mut found = CheckedNames { allow_private: true }.resolve(name()).await.unwrap();
        assert!(found.any(|address| address.ip().is_loopback()));
    }
}
