//! Internal listeners and who may call them.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
};

use service::grpc::{
    ListenError, Listener,
    client::channel,
    tls::{ClientTls, TlsSettings},
    with_health_and_reflection,
};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{
    service::Routes,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

/// An authority that signs certificates, in a folder of its own.
struct Authority(TempDir);

impl Authority {
    fn new() -> Self {
        let authority = Self(tempfile::tempdir().unwrap());
        authority.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=authority",
            "-keyout",
            "authority.key",
            "-out",
            "authority.pem",
        ]);
        authority
    }

    /// Signs a certificate for 127.0.0.1; its files are called after `name`.
    fn sign(&self, name: &str) -> TlsSettings {
        let (key, request, certificate) = (
            format!("{name}.key"),
            format!("{name}.csr"),
            format!("{name}.pem"),
        );
        fs::write(
            self.path("extensions"),
            "basicConstraints=critical,CA:FALSE\nsubjectAltName=IP:127.0.0.1\n",
        )
        .unwrap();
        self.openssl(&[
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=service",
            "-keyout",
            &key,
            "-out",
            &request,
        ]);
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "authority.pem",
            "-CAkey",
            "authority.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "extensions",
            "-out",
            &certificate,
        ]);
        TlsSettings {
            certificate_file: self.path(&certificate),
            private_key_file: self.path(&key),
            authority_file: self.path("authority.pem"),
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .expect("the tests of TLS need the program openssl");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Serves health with mutual TLS until the guard is dropped.
async fn serve(settings: &TlsSettings) -> (SocketAddr, DropGuard) {
    let listener = Listener::bind_internal("127.0.0.1:0".parse().unwrap(), Some(settings.server().unwrap()))
        .await
        .unwrap();
    let address = listener.address();
    let routes =
        with_health_and_reflection(Routes::default(), tonic_health::pb::FILE_DESCRIPTOR_SET, &[]).await;
    let shutdown = CancellationToken::new();
    tokio::spawn(listener.serve(routes, shutdown.clone()));
    (address, shutdown.drop_guard())
}

fn secure(address: SocketAddr, tls: &ClientTls) -> Channel {
    channel(&format!("https://{address}"), Some(tls)).unwrap()
}

/// Tells whether a call on the channel is answered.
async fn is_answered(channel: Channel) -> bool {
    HealthClient::new(channel)
        .check(HealthCheckRequest::default())
        .await
        .is_ok()
}

#[tokio::test]
async fn only_a_caller_with_a_certificate_of_the_authority_is_answered() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let (address, _serving) = serve(&authority.sign("server")).await;
    let known = authority.sign("client");

    let foreign = TlsSettings {
        authority_file: known.authority_file.clone(),
        ..stranger.sign("client")
    };
    let anonymous = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(fs::read(&known.authority_file).unwrap()));
    let anonymous = Endpoint::from_shared(format!("https://{address}"))
        .unwrap()
        .tls_config(anonymous)
        .unwrap()
        .connect_lazy();
    let plain = channel(&format!("http://{address}"), None).unwrap();

    assert!(is_answered(secure(address, &known.client().unwrap())).await);
    assert!(!is_answered(secure(address, &foreign.client().unwrap())).await);
    assert!(!is_answered(anonymous).await);
    assert!(!is_answered(plain).await);
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_called() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (address, _serving) = serve(&theirs.sign("server")).await;

    assert!(!is_answered(secure(address, &ours.sign("client").client().unwrap())).await);
}

#[tokio::test]
async fn an_internal_listener_that_others_can_reach_must_have_tls() {
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let authority = Authority::new();
    let settings = authority.sign("server");

    let exposed = Listener::bind_internal(everywhere, None).await.err().unwrap();
    let secured = Listener::bind_internal(everywhere, Some(settings.server().unwrap())).await;

    assert!(matches!(exposed, ListenError::ExposedInternal(_)), "{exposed}");
    assert!(secured.is_ok());
}

#[test]
fn a_missing_file_is_named() {
    let missing = TlsSettings {
        certificate_file: "/nowhere/server.pem".into(),
        private_key_file: "/nowhere/server.key".into(),
        authority_file: "/nowhere/authority.pem".into(),
    };

    let error = missing.server().err().unwrap();

    assert!(error.to_string().contains("/nowhere/server.pem"), "{error}");
}
