//! Whole handshakes in memory: each mode against a certificate of an authority, of another, and of itself.

use std::io::Write;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConnection, ServerConfig, ServerConnection};

use super::*;

/// For the name db.test, signed by `AUTHORITY`; good from 2020 to 2120, as are the others.
const SIGNED: &str = "-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIBAjAKBggqhkjOPQQDAjAlMSMwIQYDVQQDDBpTd2l0Y2hi
b2FyZCB0ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAw
MDAwMFowEjEQMA4GA1UEAwwHZGIudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABOAFhn+O5aExKrrTNbGNYzqrDlqQZql37OJaXSWNmaAc15guk8ghNVpx4V3x
pJ0ro2+qSevLqNX7Xoa1V8YdR9mjYTBfMAkGA1UdEwQCMAAwEgYDVR0RBAswCYIH
ZGIudGVzdDAdBgNVHQ4EFgQUBhYHb7FgoEO2swLw/gcf30m8NkswHwYDVR0jBBgw
FoAUK+Cpb0n3DxeJMhbFySEcni24f+IwCgYIKoZIzj0EAwIDSAAwRQIgJwXekLUi
GieobbBtjd/Xb/2bIacMCegqEbUxn3v96q0CIQDDBV0bhMjrpudOrGOkfoUET2nG
JkZ5Gqu3ARxEVVg1WQ==
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXWlOS8TDZk7OrDIM
asaLwzDTynjJ5JX8FEwJ02pdYjuhRANCAATgBYZ/juWhMSq60zWxjWM6qw5akGap
d+ziWl0ljZmgHNeYLpPIITVaceFd8aSdK6Nvqknry6jV+16GtVfGHUfZ
-----END PRIVATE KEY-----";
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBbDCCAROgAwIBAgIBATAKBggqhkjOPQQDAjAlMSMwIQYDVQQDDBpTd2l0Y2hi
b2FyZCB0ZXN0IGF1dGhvcml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAw
MDAwMFowJTEjMCEGA1UEAwwaU3dpdGNoYm9hcmQgdGVzdCBhdXRob3JpdHkwWTAT
BgcqhkjOPQIBBggqhkjOPQMBBwNCAASBe20OQba6hM/rCsBor1QpqxDIK0KNQ8fA
AKmpXoaoR80Rp8BhdrnOvIf2Dp5Am6NlH3n1Q04a2j/n3nrGlt/KozIwMDAPBgNV
HRMBAf8EBTADAQH/MB0GA1UdDgQWBBQr4KlvSfcPF4kyFsXJIRyeLbh/4jAKBggq
hkjOPQQDAgNHADBEAiAP+M5VvXpmSE1tlAq7rKvUs9bMWK923OuUEDalp3g/IAIg
ILyPtNUSuJEml17fQ/57uiZ9Oi3a+j2JyzvKUcI3slI=
-----END CERTIFICATE-----";
/// For db.test, signed by itself, and an authority, as `openssl req -x509` makes them.
const OWN: &str = "-----BEGIN CERTIFICATE-----
MIIBVzCB/qADAgECAgEDMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB2RiLnRlc3Qw
IBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBIxEDAOBgNVBAMMB2Ri
LnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQxQPe9wu6CvlO7dbsodOEi
ot2pX8y0ZKjJ0eanRCeVP43oybpd79WFvz02AXLCKO7IpUqBiU5QruiszKDtIWsV
o0MwQTAMBgNVHRMEBTADAQH/MBIGA1UdEQQLMAmCB2RiLnRlc3QwHQYDVR0OBBYE
FHHBVE27xbtDaDOGgBDTpGSKEbAmMAoGCCqGSM49BAMCA0gAMEUCIHU06kQvxzq6
sbCAY+akPj/ACfmwVaA7P3PDbsytGgoKAiEAgPw8AywBy8J4w0OQs1dGiQV9t4B+
1YV0ynevgsHtUsU=
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgvoE5ee7M5yv5C4lo
3sMGqEopV7qahATng4kp4XjStjyhRANCAAQxQPe9wu6CvlO7dbsodOEiot2pX8y0
ZKjJ0eanRCeVP43oybpd79WFvz02AXLCKO7IpUqBiU5QruiszKDtIWsV
-----END PRIVATE KEY-----";

/// Whether a client of this mode goes on, with a server that shows `certificate`.
fn shakes_hands(mode: Mode, roots: &str, certificate: &str, name: &str) -> Result<(), Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(roots.as_bytes()).unwrap();
    let roots = if roots.is_empty() { Roots::Unnamed } else { Roots::File(file.path().to_owned()) };
    let client = config(mode, &roots).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(certificate.as_bytes()).unwrap(),
        )
        .unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets()?;
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn each_mode_asks_for_what_it_says() {
    use Mode::{Prefer, Require, VerifyCa, VerifyFull};
    for (mode, roots, certificate, name, expected) in [
        (Prefer, "", SIGNED, "db.test", true),
        (Require, "", OWN, "elsewhere.test", true),
        (Prefer, AUTHORITY, OWN, "elsewhere.test", true),
        (Require, AUTHORITY, SIGNED, "elsewhere.test", true),
        (Require, AUTHORITY, OWN, "db.test", false),
        (VerifyCa, AUTHORITY, SIGNED, "elsewhere.test", true),
        (VerifyCa, AUTHORITY, OWN, "db.test", false),
        (VerifyCa, OWN, OWN, "elsewhere.test", true),
        (VerifyCa, OWN, SIGNED, "db.test", false),
        (VerifyFull, AUTHORITY, SIGNED, "db.test", true),
        (VerifyFull, AUTHORITY, SIGNED, "elsewhere.test", false),
        (VerifyFull, OWN, OWN, "db.test", true),
        (VerifyFull, OWN, OWN, "elsewhere.test", false),
        (VerifyFull, OWN, SIGNED, "db.test", false),
    ] {
        let outcome = shakes_hands(mode, roots, certificate, name);
        let roots = if roots == AUTHORITY { "the authority" } else { "itself or none" };
        assert_eq!(outcome.is_ok(), expected, "{mode:?} with {roots} for {name}: {outcome:?}");
    }
}

#[test]
fn modes_are_read_and_decide_whether_there_is_tls() {
    for (text, mode, negotiation) in [
        ("disable", Mode::Disable, SslMode::Disable),
        ("allow", Mode::Prefer, SslMode::Prefer),
        ("prefer", Mode::Prefer, SslMode::Prefer),
        ("require", Mode::Require, SslMode::Require),
        ("verify-ca", Mode::VerifyCa, SslMode::Require),
        ("verify-full", Mode::VerifyFull, SslMode::Require),
    ] {
        let read: Mode = text.parse().unwrap();
        assert_eq!((read, read.negotiation()), (mode, negotiation));
    }
    assert!("always".parse::<Mode>().unwrap_err().to_string().contains("verify-full"));
    assert!(connector(Mode::Disable, &Roots::Unnamed).unwrap().is_none());
}

#[test]
fn a_root_file_that_is_no_good_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [Path::new("/nowhere/root.crt"), file.path()] {
        let refused = config(Mode::VerifyFull, &Roots::File(path.to_owned())).unwrap_err().to_string();
        assert!(refused.contains(&path.display().to_string()), "{refused}");
    }
}
