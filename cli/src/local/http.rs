//! HTTP on the loopback interface: what the servers and clients of the environment share.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A handler's answer: a response, or nothing, and then the connection is closed.
pub(super) type Answer = Result<Response<Full<Bytes>>, HangUp>;

/// Closes the connection without a response.
#[derive(Debug)]
pub(super) struct HangUp;

/// An HTTP/1.1 server on a free loopback port, until it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    port: u16,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server that answers every request, its body read whole, by `handle`.
    pub(super) async fn start<H, F>(handle: H) -> Result<Self>
    where
        H: Fn(Request<Bytes>) -> F + Clone + Send + 'static,
        F: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("can't listen on the loopback interface")?;
        let port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            // Dropped with this task, and all connections with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, handle.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { port, task })
    }

    /// The server's address, as in `127.0.0.1:49152`.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The server's URL, without a slash at its end.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<H, F>(stream: TcpStream, handle: H)
where
    H: Fn(Request<Bytes>) -> F + Clone + Send + 'static,
    F: Future<Output = Answer> + Send,
{
    // A connection that breaks is the other side's affair; so is one that a handler hangs up on.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request: Request<Incoming>| {
        let handle = handle.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|_| HangUp)?.to_bytes();
            handle(Request::from_parts(parts, body)).await
        }
    });
    drop(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

/// An HTTP/1.1 client that follows nothing, retries nothing and decodes nothing.
#[derive(Debug, Clone)]
pub(super) struct Client(hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>);

impl Client {
    pub(super) fn new() -> Self {
        Self(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends a request and reads the answer's body whole.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let response = self.0.request(request.map(Full::new)).await?;
        let (parts, body) = response.into_parts();
        Ok(Response::from_parts(
            parts,
            body.collect().await?.to_bytes(),
        ))
    }
}

/// A response with a body of the given content type.
pub(super) fn response(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let content_type = hyper::header::HeaderValue::from_static(content_type);
    response
        .headers_mut()
        .insert(hyper::header::CONTENT_TYPE, content_type);
    response
}

impl fmt::Display for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was closed on purpose")
    }
}

impl std::error::Error for HangUp {}

/// For handlers that never hang up.
impl From<Infallible> for HangUp {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
