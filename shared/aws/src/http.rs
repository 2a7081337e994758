//! The SDK's way to the network: one HTTP/1.1 client for all services, on the connector of
//! `banto-tls`.
//!
//! The SDK's own connector would bring HTTP/2, which no AWS API that is called here needs, and read
//! the machine's root certificates: half a megabyte and two milliseconds of every cold start.
//! Timeouts are the SDK's, per attempt and per call (`config.rs`).

use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use banto_tls::{Connector, TrustedRoots};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::reading;

/// Longest time until a connection stands. One within a region takes milliseconds; a longer wait
/// eats the time of the attempt that could be tried on another address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The one client; its clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client<Connector, SdkBody>,
    /// True if nothing that writes is let through.
    only_reads: bool,
}

impl Http {
    pub(crate) fn new(roots: &TrustedRoots) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build(roots.connector(CONNECT_TIMEOUT)),
            only_reads: false,
        }
    }

    /// A client that sends no request which writes.
    pub(crate) fn reading_only(roots: &TrustedRoots) -> Self {
        Self {
            only_reads: true,
            ..Self::new(roots)
        }
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let user = |error: BoxError| ConnectorError::user(error);
        if self.only_reads
            && let Err(writes) = reading::check(&request)
        {
            return Err(user(writes.into()));
        }
        let request = request
            .try_into_http1x()
            .map_err(|error| user(error.into()))?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| ConnectorError::io(error.into()))?;
        let response = HttpResponse::try_from(response.map(SdkBody::from_body_1_x));
        response.map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}

impl HttpClient for Http {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
