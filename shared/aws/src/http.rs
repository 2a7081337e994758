//! The SDK's way to the network: one HTTP/1.1 client for all services, on ring and Mozilla's roots.
//!
//! The SDK's own connector would bring HTTP/2, which no AWS API that is called here needs, and read
//! the machine's root certificates: half a megabyte and two milliseconds of every cold start. Timeouts
//! are the SDK's, per attempt and per call (`config.rs`).

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::SdkConfig;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::TokioExecutor;

use crate::config::CONNECT;

/// The one client; its clones share the connections.
#[derive(Debug, Clone)]
pub(crate) struct Http(Client<HttpsConnector<TcpConnector>, SdkBody>);

impl Http {
    pub(crate) fn new() -> Self {
        let mut tcp = TcpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_nodelay(true);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// The client that a configuration holds.
    pub(crate) fn of(config: &SdkConfig) -> SharedHttpClient {
        config.http_client().unwrap_or_else(|| SharedHttpClient::new(Self::new()))
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let user = |error: BoxError| ConnectorError::user(error);
        let request = request.try_into_http1x().map_err(|error| user(error.into()))?;
        let response = self.0.request(request).await.map_err(|error| ConnectorError::io(error.into()))?;
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
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
