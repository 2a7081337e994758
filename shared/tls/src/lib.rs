//! The one way to an encrypted connection: HTTP/1.1 on TLS 1.2 or 1.3 with ring, and whose
//! certificates are trusted.
//!
//! `AWS_CA_BUNDLE` names a file of certificates for networks whose proxy ends TLS; it replaces the
//! default, as in AWS's own tools. (AWS SDKs and tools reference, "General configuration",
//! `ca_bundle`.) The default is Mozilla's list, which is built in.
//!
//! Deliberately absent: the machine's own root certificates. A Lambda function has none that its
//! owner chose, and to read them costs two milliseconds of every cold start.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::{ClientConfig, RootCertStore};

const VARIABLE: &str = "AWS_CA_BUNDLE";

/// Connects to `https` addresses, and to `http` ones without encryption.
pub type Connector = HttpsConnector<HttpConnector>;

/// The authorities whose certificates are trusted: those of a bundle, else Mozilla's, which are the
/// default.
#[derive(Debug, Clone, Default)]
pub struct TrustedRoots(Option<Arc<RootCertStore>>);

/// A bundle of certificates that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{VARIABLE} must name a PEM file of the certificates to trust, but {} {problem}", path.display())]
pub struct BundleError {
    path: PathBuf,
    problem: String,
}

impl TrustedRoots {
    /// Reads variables by name.
    ///
    /// # Errors
    /// If a variable names a bundle that can't be used. Without a bundle no file is read.
    pub fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, BundleError> {
        match var(VARIABLE).filter(|path| !path.is_empty()) {
            None => Ok(Self(None)),
            Some(path) => {
                let path = PathBuf::from(path);
                let roots = bundle(&path).map_err(|problem| BundleError { path, problem })?;
                Ok(Self(Some(Arc::new(roots))))
            }
        }
    }

    /// A connector that gives up after this time if an address does not answer.
    pub fn connector(&self, connect_timeout: Duration) -> Connector {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(connect_timeout));
        tcp.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new();
        let builder = match &self.0 {
            None => builder.with_webpki_roots(),
            Some(roots) => builder.with_tls_config(
                ClientConfig::builder()
                    .with_root_certificates(Arc::clone(roots))
                    .with_no_client_auth(),
            ),
        };
        builder.https_or_http().enable_http1().wrap_connector(tcp)
    }
}

/// The certificates of a file, or a sentence's end that says why there are none.
///
/// One that rustls can't use is left out, with a warning: a bundle is mostly an operating system's
/// list, which has old certificates that other programs still read, and one of those must not keep
/// a function from starting.
fn bundle(path: &Path) -> Result<RootCertStore, String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| problem(&error))?;
    let certificates = certificates
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| problem(&error))?;
    let mut roots = RootCertStore::empty();
    let (_, unusable) = roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Err(if unusable == 0 {
            "holds no certificate"
        } else {
            "holds no usable certificate"
        }
        .to_owned());
    }
    if unusable > 0 {
        tracing::warn!(path = %path.display(), unusable, "certificates of AWS_CA_BUNDLE are left out: rustls can't use them");
    }
    Ok(roots)
}

/// The end of a sentence that begins with the file's path. It repeats no line of the file.
fn problem(error: &PemError) -> String {
    match error {
        PemError::Io(error) => format!("can't be read: {error}"),
        PemError::MissingSectionEnd { .. } => "ends within a section".to_owned(),
        PemError::IllegalSectionStart { .. } => {
            "has a BEGIN line that does not end with five hyphens".to_owned()
        }
        error => format!("is not PEM: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{
        ProtocolVersion, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    };

    use super::*;

    const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/authority.pem");
    const CERTIFICATE: &[u8] = include_bytes!("../tests/data/server.pem");
    const KEY: &[u8] = include_bytes!("../tests/data/server.key.pem");

    /// A server that the tests' authority vouches for. It answers one request with the version of
    /// TLS that it got.
    fn server(versions: &'static [&'static SupportedProtocolVersion]) -> String {
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
        let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
        let config = ServerConfig::builder_with_protocol_versions(versions).with_no_client_auth();
        let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
            // A client that does not trust the certificate ends the connection here.
            let Ok(length) = stream.read(&mut [0; 4096]) else {
                return;
            };
            assert!(length > 0);
            let version = match stream.conn.protocol_version() {
                Some(ProtocolVersion::TLSv1_3) => "1.3",
                Some(ProtocolVersion::TLSv1_2) => "1.2",
                _ => "another",
            };
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nserver: TLS {version}\r\ncontent-length: 0\r\n\r\n"
            )
            .unwrap();
        });
        url
    }

    /// PEM that can be read around a certificate that can't.
    fn garbled(authority: &str) -> String {
        authority.replace(
            "-----BEGIN CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA",
        )
    }

    /// The server's word, or why there was no connection.
    async fn ask(url: &str, bundle: &str) -> Result<String, String> {
        let roots =
            TrustedRoots::from_vars(|name| (name == "AWS_CA_BUNDLE").then(|| bundle.to_owned()))
                .unwrap();
        let connector = roots.connector(Duration::from_secs(3));
        let client: Client<_, String> = Client::builder(TokioExecutor::new()).build(connector);
        match client.get(url.parse().unwrap()).await {
            Ok(answer) => Ok(answer
                .headers()
                .get("server")
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()),
            Err(error) => Err(format!("{error:?}")),
        }
    }

    #[tokio::test]
    async fn who_the_bundle_vouches_for_is_connected_to_by_tls_1_2_and_1_3() {
        for (version, says) in [
            (&rustls::version::TLS12, "TLS 1.2"),
            (&rustls::version::TLS13, "TLS 1.3"),
        ] {
            let versions: &[_] = Box::leak(Box::new([version]));
            assert_eq!(ask(&server(versions), AUTHORITY).await.as_deref(), Ok(says));
        }
    }

    #[tokio::test]
    async fn without_the_bundle_the_same_server_is_refused() {
        let error = ask(&server(rustls::DEFAULT_VERSIONS), "")
            .await
            .unwrap_err();
        assert!(error.contains("UnknownIssuer"), "{error}");
    }

    #[test]
    fn a_bundle_replaces_the_default() {
        let roots = TrustedRoots::from_vars(|_| Some(AUTHORITY.to_owned())).unwrap();
        assert_eq!(roots.0.unwrap().len(), 1);
        assert!(TrustedRoots::from_vars(|_| None).unwrap().0.is_none());
    }

    #[test]
    fn a_certificate_that_cannot_be_used_does_not_spoil_the_others() {
        let authority = fs::read_to_string(AUTHORITY).unwrap();
        let path = std::env::temp_dir().join(format!("banto-tls-mixed-{}.pem", std::process::id()));
        fs::write(&path, format!("{}{authority}", garbled(&authority))).unwrap();
        assert_eq!(bundle(&path).unwrap().len(), 1);
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_bundle_that_cannot_be_used_is_told_with_variable_path_and_reason() {
        let authority = fs::read_to_string(AUTHORITY).unwrap();
        let path = std::env::temp_dir().join(format!("banto-tls-{}.pem", std::process::id()));
        let name = path.display().to_string();
        let cases = [
            ("".to_owned(), "holds no certificate"),
            (
                String::from_utf8_lossy(KEY).into_owned(),
                "holds no certificate",
            ),
            (
                authority.replace("-----END", "-END"),
                "ends within a section",
            ),
            (
                authority.replace("CATE-----", "CATE"),
                "has a BEGIN line that does not end with five hyphens",
            ),
            (
                authority.replace("MII", "M*I"),
                "is not PEM: base64 decode error",
            ),
            (garbled(&authority), "holds no usable certificate"),
        ];
        for (text, reason) in cases {
            fs::write(&path, text).unwrap();
            let error = TrustedRoots::from_vars(|_| Some(name.clone()))
                .unwrap_err()
                .to_string();
            let begin = format!(
                "AWS_CA_BUNDLE must name a PEM file of the certificates to trust, but {name} {reason}"
            );
            assert!(error.starts_with(&begin), "{error}");
        }
        fs::remove_file(&path).unwrap();
        for (path, reason) in [
            (name.as_str(), "can't be read: No such file"),
            ("/", "can't be read: Is a directory"),
        ] {
            let error = TrustedRoots::from_vars(|_| Some(path.to_owned()))
                .unwrap_err()
                .to_string();
            assert!(error.contains(&format!("but {path} {reason}")), "{error}");
        }
    }
}
