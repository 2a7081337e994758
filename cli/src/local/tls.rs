//! TLS before a server on the loopback interface, with a certificate authority of its own.
//!
//! A program that trusts [`TlsFront::ca_bundle`], as by `AWS_CA_BUNDLE`, reaches the server through
//! a real handshake. Deliberately absent: HTTP, and therefore HTTP/2; bytes are handed on as they
//! come.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use hyper::Uri;
use tempfile::TempDir;

use super::python::PythonServer;
use super::venv::Venv;

/// The program that speaks TLS.
const SERVER: &str = include_str!("../../local/tls_front.py");

/// TLS before a server, until it is dropped.
#[derive(Debug)]
pub struct TlsFront {
    server: PythonServer,
    directory: TempDir,
}

impl TlsFront {
    /// Starts TLS before an endpoint of the loopback interface, as in `http://127.0.0.1:49152`.
    pub async fn start(venv: &Venv, target: &str) -> Result<Self> {
        let port = port_of(target)?;
        let directory = TempDir::with_prefix("banto-tls-")
            .context("can't make a directory for certificates")?;
        let arguments = [
            port.to_string().into(),
            directory.path().as_os_str().to_owned(),
        ];
        let server = PythonServer::start("the TLS front", venv, SERVER, &arguments, &[]).await?;
        Ok(Self { server, directory })
    }

    /// The URL to use in place of the endpoint's. The certificate names this host and 127.0.0.1.
    pub fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.server.port())
    }

    /// The file with the root to trust, as PEM.
    pub fn ca_bundle(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }
}

fn port_of(endpoint: &str) -> Result<u16> {
    let port = endpoint
        .parse::<Uri>()
        .ok()
        .and_then(|endpoint| endpoint.port_u16());
    port.with_context(|| {
        format!("{endpoint:?} names no port; expected one as in http://127.0.0.1:49152")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_a_port_is_refused_with_one_that_has_it() {
        assert_eq!(port_of("http://127.0.0.1:49152").unwrap(), 49152);
        let error = port_of("http://localhost").unwrap_err().to_string();
        assert_eq!(
            error,
            "\"http://localhost\" names no port; expected one as in http://127.0.0.1:49152"
        );
    }
}
