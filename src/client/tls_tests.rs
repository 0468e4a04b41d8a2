//! TLS against a server of its own, with authorities that are made for each test.

use super::*;
use crate::kubeconfig::{ClientConfig, Credentials, Impersonate, Pem, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Mutex;
use std::thread;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, as PEM text.
fn certificate(authority: &Authority, names: &[&str], years: (i32, i32)) -> (String, String) {
    let mut params = CertificateParams::new(names.iter().map(|n| n.to_string()).collect::<Vec<_>>()).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    let key = KeyPair::generate().unwrap();
    let signed = params.signed_by(&key, authority).unwrap();
    (signed.pem(), key.serialize_pem())
}

/// What the server saw: the name that was asked for, and whether the client showed a certificate.
type Seen = Arc<Mutex<Vec<(String, bool)>>>;

/// Starts a server with a certificate; clients may show one of `clients`' making.
fn serve(pair: &(String, String), clients: &Authority) -> (String, Seen) {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(clients.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()
        .unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain(pair.0.as_bytes()).unwrap(), private_key(pair.1.as_bytes()).unwrap())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().port().to_string();
    let (config, seen) = (Arc::new(config), Seen::default());
    let log = seen.clone();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::Stream::new(&mut connection, &mut socket);
            let mut head = [0; 4096];
            // A client that does not trust the server hangs up here.
            let Ok(1..) = stream.read(&mut head) else { continue };
            let answer =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            // Before the answer: a client that has it may look at once.
            let name = stream.conn.server_name().unwrap_or_default().to_owned();
            log.lock().unwrap().push((name, stream.conn.peer_certificates().is_some()));
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, seen)
}

/// What a request to the server brings: nothing bad, or the cause of the failure.
fn request(host: &str, port: &str, tls: Tls) -> Result<(), String> {
    let config = ClientConfig {
        server: Server::parse(&format!("https://{host}:{port}")).unwrap(),
        tls,
        credentials: Credentials::None,
        impersonate: Impersonate::default(),
        proxy_url: String::new(),
        compress: true,
        timeout: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, _) = crate::client::tests::client_with(config, None);
        let request = crate::client::Request::new(http::Method::POST, "/x");
        match client.send(&request).await {
            Ok(_) => Ok(()),
            Err(crate::client::Error::Connection(error)) => Err(error.cause),
            Err(error) => Err(error.to_string()),
        }
    })
}

fn trusting(authority: &Authority) -> Tls {
    Tls { authorities: Some(Pem::Data(authority.pem().into_bytes())), ..Tls::default() }
}

#[test]
fn servers_are_known_by_their_authority_and_name() {
    let (ours, other) = (authority("ours"), authority("other"));
    let (port, seen) = serve(&certificate(&ours, &["kubernetes", "localhost", "127.0.0.1"], (2020, 2100)), &ours);
    let x509 = |text: &str| Err(format!("tls: failed to verify certificate: x509: {text}"));
    let named = |name: &str| Tls { server_name: name.into(), ..trusting(&ours) };
    assert_eq!(request("127.0.0.1", &port, trusting(&ours)), Ok(()));
    assert_eq!(request("localhost", &port, trusting(&ours)), Ok(()));
    assert_eq!(request("127.0.0.1", &port, named("kubernetes")), Ok(()));
    assert_eq!(
        request("127.0.0.1", &port, named("nosuch")),
        x509("certificate is valid for kubernetes, localhost, not nosuch")
    );
    assert_eq!(request("127.0.0.1", &port, trusting(&other)), x509("certificate signed by unknown authority"));
    let wrong = Tls { server_name: "nosuch".into(), ..trusting(&other) };
    assert_eq!(request("127.0.0.1", &port, wrong), x509("certificate is valid for kubernetes, localhost, not nosuch"));
    assert_eq!(request("127.0.0.1", &port, Tls { insecure: true, ..Tls::default() }), Ok(()));
    let names: Vec<String> = seen.lock().unwrap().iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, ["", "localhost", "kubernetes", ""]);
}

#[test]
fn a_certificate_outside_its_time_is_refused() {
    let ours = authority("ours");
    let (port, _) = serve(&certificate(&ours, &["127.0.0.1"], (2020, 2021)), &ours);
    let fault = request("127.0.0.1", &port, trusting(&ours)).unwrap_err();
    let start = "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time ";
    assert!(fault.starts_with(start) && fault.ends_with(" is after 2021-01-01T00:00:00Z"), "{fault}");
}

#[test]
fn a_server_may_be_its_own_authority() {
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let (port, _) = serve(&(own.pem(), own.key().serialize_pem()), &own);
    assert_eq!(request("127.0.0.1", &port, trusting(&own)), Ok(()));
    let fault = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    assert_eq!(request("127.0.0.1", &port, trusting(&authority("other"))), Err(fault.into()));
    let name = Tls { server_name: "nosuch".into(), ..trusting(&own) };
    assert!(request("127.0.0.1", &port, name).is_err());
}

#[test]
fn a_client_shows_its_certificate() {
    let ours = authority("ours");
    let (port, seen) = serve(&certificate(&ours, &["127.0.0.1"], (2020, 2100)), &ours);
    let (good, other) = (certificate(&ours, &["me"], (2020, 2100)), certificate(&ours, &["you"], (2020, 2100)));
    let with = |certificate: &str, key: &str| Tls {
        client: Some((Pem::Data(certificate.as_bytes().into()), Pem::Data(key.as_bytes().into()))),
        ..trusting(&ours)
    };
    assert_eq!(request("127.0.0.1", &port, with(&good.0, &good.1)), Ok(()));
    assert_eq!(*seen.lock().unwrap(), [(String::new(), true)]);
    for (certificate, key, fault) in [
        (good.0.as_str(), other.1.as_str(), "tls: private key does not match public key"),
        ("x", &good.1, "tls: failed to find any PEM data in certificate input"),
        (&good.0, "x", "tls: failed to find any PEM data in key input"),
        (
            &good.1,
            &good.1,
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
        ),
    ] {
        assert_eq!(request("127.0.0.1", &port, with(certificate, key)), Err(fault.into()));
    }
    let no_roots = |pem: &str| Tls { authorities: Some(Pem::Data(pem.as_bytes().into())), ..Tls::default() };
    for (pem, fault) in [
        ("x", "unable to load root certificates: unable to parse bytes as PEM block"),
        (good.1.as_str(), "unable to load root certificates: no valid certificate authority data seen"),
        (
            "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n",
            "unable to load root certificates: failed to parse certificate: x509: malformed certificate",
        ),
    ] {
        assert_eq!(request("127.0.0.1", &port, no_roots(pem)), Err(fault.into()));
    }
}

#[test]
fn a_handshake_is_open_until_the_server_shows_its_certificate() {
    let handshakes = Handshakes::default();
    assert!(!handshakes.is_open());
    handshakes.begin();
    assert!(handshakes.is_open());
    handshakes.finish();
    assert!(!handshakes.is_open());
}
