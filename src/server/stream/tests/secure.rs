//! TLS: whose certificate is shown, checked and renewed.

use jiff::Timestamp;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector, client};

use super::super::tls::{self, TlsConfigs};
use super::certificates::{Authority, Paper, files};
use super::*;
use crate::config::problem::CertificateProblem;
use crate::config::settings::{ClientCertificate, TlsSettings};

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().expect("a time")
}

fn loaded(settings: &TlsSettings) -> TlsConfigs {
    match tls::load(settings, now()) {
        Ok(loaded) => loaded.configs,
        Err(fault) => panic!("{fault:?}"),
    }
}

type Connected = std::io::Result<client::TlsStream<TcpStream>>;

async fn connect(authority: &Authority, to: SocketAddr, shows: Option<&Paper>) -> Connected {
    let stream = TcpStream::connect(to).await?;
    let name = ServerName::try_from("sbc.example").expect("a name");
    TlsConnector::from(authority.client(shows)).connect(name, stream).await
}

#[tokio::test]
async fn a_phone_speaks_over_tls_with_the_certificate_of_the_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let settings = files(folder.path(), &authority.vouch_for(&["sbc.example"]), &authority);
    let mut bench = bench(Protocol::Tls, Some(loaded(&settings)));
    let mut phone = connect(&authority, bench.at, None).await.expect("connects");
    phone.write_all(OPTIONS.as_bytes()).await.expect("writes");
    let (peer, bytes) = bench.message().await;
    assert_eq!(bytes, OPTIONS);
    bench.send(peer, "answer");
    assert_eq!(read_exactly(&mut phone, 6).await, "answer");
    bench.streams.close(LONG).await;
    assert_eq!(read_to_end(&mut phone).await, "");

    // Whoever speaks something else is sent away.
    let mut bench = super::bench(Protocol::Tls, Some(loaded(&settings)));
    let mut plain = TcpStream::connect(bench.at).await.expect("connects");
    plain.write_all(OPTIONS.as_bytes()).await.expect("writes");
    read_to_end(&mut plain).await;
    assert_eq!(bench.refused("tls_handshake"), 1);
    assert!(bench.events.try_recv().is_err(), "nothing is told of it");
}

#[tokio::test]
async fn new_certificates_are_shown_to_new_connections_and_old_ones_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (Authority::new(), Authority::new());
    let settings = files(folder.path(), &old.vouch_for(&["sbc.example"]), &old);
    let mut bench = bench(Protocol::Tls, Some(loaded(&settings)));
    let mut phone = connect(&old, bench.at, None).await.expect("connects");
    let settings = files(folder.path(), &new.vouch_for(&["sbc.example"]), &new);
    bench.streams.renew(ID, &loaded(&settings));
    assert!(connect(&old, bench.at, None).await.is_err(), "the old authority is not the new one's");
    let mut other = connect(&new, bench.at, None).await.expect("connects");
    for phone in [&mut phone, &mut other] {
        phone.write_all(OPTIONS.as_bytes()).await.expect("writes");
        assert_eq!(bench.message().await.1, OPTIONS);
    }
}

#[tokio::test]
async fn a_client_certificate_is_asked_for_checked_and_its_names_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (authority, stranger) = (Authority::new(), Authority::new());
    let mut settings = files(folder.path(), &authority.vouch_for(&["sbc.example"]), &authority);
    settings.client_ca.clone_from(&settings.ca);
    let trunk = authority.vouch_for(&["trunk.example", "sip.trunk.example"]);
    let forged = stranger.vouch_for(&["trunk.example"]);
    for demand in [ClientCertificate::Required, ClientCertificate::Optional] {
        settings.client_certificate = demand;
        let mut bench = bench(Protocol::Tls, Some(loaded(&settings)));
        let mut known = connect(&authority, bench.at, Some(&trunk)).await.expect("connects");
        known.write_all(OPTIONS.as_bytes()).await.expect("writes");
        match bench.event().await {
            StreamEvent::Named { listener: ID, names, .. } => {
                assert_eq!(names, ["trunk.example", "sip.trunk.example"]);
            }
            other => panic!("no names: {other:?}"),
        }
        bench.message().await;
        // TLS 1.3 tells a client of its refusal after its own side is done.
        let mut refused = 0;
        for shows in [Some(&forged), None] {
            let mut unknown = connect(&authority, bench.at, shows).await.expect("connects");
            let _ = unknown.write_all(OPTIONS.as_bytes()).await;
            if shows.is_none() && demand == ClientCertificate::Optional {
                bench.message().await;
            } else {
                read_to_end(&mut unknown).await;
                refused += 1;
            }
            assert_eq!(bench.refused("tls_handshake"), refused);
        }
    }
}

#[tokio::test]
async fn a_peer_that_we_connect_to_must_prove_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let settings = files(folder.path(), &authority.vouch_for(&["trunk.example"]), &authority);
    let configs = loaded(&settings);
    let acceptor = TlsAcceptor::from(configs.server.clone());
    let mut bench = bench(Protocol::Tls, Some(configs));
    let trunk = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let to = trunk.local_addr().expect("an address");
    for (host, proved) in
        [(Some("trunk.example"), true), (Some("other.example"), false), (None, false)]
    {
        bench.send_to(to, host, "hello");
        let (stream, _) = timeout(LONG, trunk.accept()).await.expect("in time").expect("accepts");
        let accepted = acceptor.accept(stream).await;
        if proved {
            let mut stream = accepted.expect("connects");
            assert_eq!(read_exactly(&mut stream, 5).await, "hello");
            assert!(matches!(bench.event().await,
                StreamEvent::Named { peer, names, .. } if peer == to && names == ["trunk.example"]));
            drop(stream);
        }
        assert_eq!(bench.closed().await, to, "{host:?}");
    }
    assert_eq!(bench.refused("not_connected"), 2);
}

#[test]
fn what_is_wrong_with_certificates_is_named_with_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let paper = authority.vouch_for(&["sbc.example"]);
    let good = files(folder.path(), &paper, &authority);
    let fault = |change: fn(&mut TlsSettings)| {
        let mut settings = good.clone();
        change(&mut settings);
        tls::load(&settings, now()).err().map(|fault| (fault.key, fault.problem.to_string()))
    };
    let expect = |change, key: &str, words: &str| {
        let found = fault(change).expect(words);
        assert!(found.0 == key && found.1.contains(words), "{found:?}");
    };
    assert_eq!(fault(|_| {}), None);
    expect(|s| s.certificate = "/nowhere".into(), "certificate", "cannot be read");
    expect(|s| s.certificate = s.private_key.clone(), "certificate", "has no certificate");
    expect(|s| s.private_key = s.certificate.clone(), "private_key", "has no private key");
    expect(|s| s.client_ca = Some("/nowhere".into()), "client_ca", "cannot be read");
    expect(|s| s.ca = Some(s.private_key.clone()), "ca", "has no certificate");
    let other = authority.vouch_for(&["sbc.example"]);
    std::fs::write(&good.private_key, &other.key).expect("writes");
    expect(|_| {}, "private_key", "is not the key of");
}

#[test]
fn a_certificate_that_has_ended_or_soon_will_is_spoken_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new();
    let settings = files(folder.path(), &authority.vouch_for(&["sbc.example"]), &authority);
    // rcgen's certificates are valid from 1975 to 4096.
    let said = |at: &str| {
        let at = at.parse().expect("a time");
        let warnings = tls::load(&settings, at).expect("can be used").warnings;
        warnings.into_iter().next().map(|fault| (fault.key, fault.problem))
    };
    assert_eq!(said("2026-11-25T12:00:00Z"), None);
    assert!(matches!(
        said("1974-01-01T00:00:00Z"),
        Some(("certificate", CertificateProblem::NotYetValid { from })) if from == "1975-01-01"
    ));
    assert!(matches!(
        said("4095-12-25T00:00:00Z"),
        Some(("certificate", CertificateProblem::ExpiresSoon { on })) if on == "4096-01-01"
    ));
    assert!(matches!(
        said("4096-01-02T00:00:00Z"),
        Some(("certificate", CertificateProblem::Expired { .. }))
    ));
}
