//! Whose address a request comes from when proxies stand between.
//!
//! Invariant: only what a trusted proxy wrote is believed; what the client itself put into the header never is.

use std::net::IpAddr;

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl TrustedProxies {
    /// Addresses and networks, joined by commas; nothing when one of them is neither.
    pub fn read(text: &str) -> Option<Self> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(Network::read).collect::<Option<_>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The last address that is not a trusted proxy: each proxy appends the one that it heard from, so the list
    /// is read from its end. Several header lines are one list, joined in their order.
    pub fn client(&self, peer: IpAddr, forwarded_for: Option<&str>) -> IpAddr {
        let mut client = peer.to_canonical();
        for hop in forwarded_for.unwrap_or_default().rsplit(',') {
            if !self.trusts(client) {
                return client;
            }
            // What cannot be read was not written by a proxy of ours: the one before it is as far as we know.
            let Some(address) = address(hop.trim()) else { return client };
            client = address;
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }
}

impl Network {
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_matches('"');
    let parsed = bare
        .parse::<IpAddr>()
        .or_else(|_| bare.parse().map(|socket: std::net::SocketAddr| socket.ip()))
        .or_else(|_| bare.trim_start_matches('[').trim_end_matches(']').parse());
    parsed.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(trusted: &str, peer: &str, forwarded: Option<&str>, expected: &str) {
        let proxies = TrustedProxies::read(trusted).unwrap();
        assert_eq!(proxies.client(peer.parse().unwrap(), forwarded), expected.parse::<IpAddr>().unwrap());
    }

    #[test]
    fn nobody_is_believed_by_default() {
        check("", "203.0.113.9", Some("198.51.100.1"), "203.0.113.9");
        check("10.0.0.0/8", "203.0.113.9", Some("198.51.100.1"), "203.0.113.9");
    }

    #[test]
    fn trusted_hops_are_skipped_from_the_right() {
        let trusted = "10.0.0.0/8, 127.0.0.1, fd00::/8";
        check(trusted, "127.0.0.1", None, "127.0.0.1");
        check(trusted, "127.0.0.1", Some("198.51.100.1"), "198.51.100.1");
        check(trusted, "127.0.0.1", Some("198.51.100.1, 10.1.2.3"), "198.51.100.1");
        check(trusted, "10.0.0.1", Some("198.51.100.1,fd12::1 , 10.1.2.3"), "198.51.100.1");
        // The client may write what it likes on the left.
        check(trusted, "10.0.0.1", Some("127.0.0.1, 203.0.113.9, 198.51.100.1"), "198.51.100.1");
        check(trusted, "10.0.0.1", Some("10.9.9.9, 10.1.2.3"), "10.9.9.9");
    }

    #[test]
    fn what_cannot_be_read_ends_the_search() {
        let trusted = "10.0.0.0/8";
        check(trusted, "10.0.0.1", Some("198.51.100.1, unknown"), "10.0.0.1");
        check(trusted, "10.0.0.1", Some("198.51.100.1, _hidden, 10.0.0.2"), "10.0.0.2");
        check(trusted, "10.0.0.1", Some(""), "10.0.0.1");
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        check("::1", "::1", Some("[2001:db8::7]:4711"), "2001:db8::7");
        check("::1", "::1", Some("[2001:db8::7]"), "2001:db8::7");
        check("::1", "::1", Some("198.51.100.1:4711"), "198.51.100.1");
        check("::1", "::1", Some("\"198.51.100.1\""), "198.51.100.1");
        // A socket for both families shows IPv4 peers in IPv6.
        check("10.0.0.0/8", "::ffff:10.0.0.1", Some("::ffff:198.51.100.1"), "198.51.100.1");
        check("", "::ffff:198.51.100.1", None, "198.51.100.1");
    }

    #[test]
    fn networks_are_read_or_refused() {
        assert!(TrustedProxies::read(" , ").unwrap().is_empty());
        for wrong in ["10.0.0.0/33", "::/129", "10.0.0", "proxy.example", "10.0.0.0/", "10.0.0.0/-1", "all"] {
            assert_eq!(TrustedProxies::read(wrong), None, "{wrong}");
        }
        check("0.0.0.0/0", "203.0.113.9", Some("198.51.100.1"), "198.51.100.1");
        check("10.0.0.7/32", "10.0.0.8", Some("198.51.100.1"), "10.0.0.8");
        check("::/0", "2001:db8::1", Some("2001:db8::2"), "2001:db8::2");
    }
}
