//! Reads the assets of a release: over HTTPS, each once and only so many bytes of it.
//!
//! Deliberately absent: proxies. Where the network asks for one, the assets come by another way and
//! are given as a folder.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use banto_tls::{Connector, TrustedRoots};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::Function;
use super::elf::Architecture;
use super::release::{Source, Tag, is_here, is_https};
use super::sums::{self, Sums};

/// Time until a server must connect, answer, or send more of a body: far more than any takes that
/// works, and less than people wait for one that does not.
const PATIENCE: Duration = Duration::from_secs(30);

/// Most bytes of a program: what all files of a function may have together. (Lambda developer
/// guide, "Lambda quotas", "Deployment package (.zip file archive) size": 250 MB unzipped.)
const PROGRAM_BYTES: usize = 250 * 1024 * 1024;

/// Most bytes of the list of hashes, which has some twenty lines of a hundred.
const SUMS_BYTES: usize = 64 * 1024;

/// Most bytes of what the API says of a release: some twenty assets of 2 KB, and its notes, which
/// have at most 125,000 characters.
const RELEASE_BYTES: usize = 4 * 1024 * 1024;

/// Most redirects: GitHub leads to where it stores assets in one, and after a renaming in two.
const REDIRECTS: usize = 4;

/// After this time people want to see that something goes on.
const UNNOTICED: Duration = Duration::from_secs(1);

/// Reads a release's programs, each as its hash says.
///
/// # Errors
/// If the release, one of its assets or the network is missing, or if a program is not what its
/// hash says. All such programs are named.
pub(super) async fn programs(
    source: &Source,
    tag: &Tag,
    architecture: Architecture,
    functions: &[Function],
    roots: &TrustedRoots,
) -> Result<Vec<(Function, Vec<u8>)>> {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    let style = ProgressStyle::with_template("{spinner} {msg}  {bytes}, {bytes_per_sec}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let mut reading = pin!(read(source, tag, architecture, functions, roots, &bar));
    let read = tokio::select! {
        read = &mut reading => read,
        () = tokio::time::sleep(UNNOTICED) => {
            // Where that is no terminal, nothing is drawn.
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(Duration::from_millis(100));
            reading.await
        }
    };
    bar.finish_and_clear();
    read
}

async fn read(
    source: &Source,
    tag: &Tag,
    architecture: Architecture,
    functions: &[Function],
    roots: &TrustedRoots,
    bar: &ProgressBar,
) -> Result<Vec<(Function, Vec<u8>)>> {
    let assets = Assets::open(source, tag, roots, bar).await?;
    let listed = assets.get(sums::FILE, SUMS_BYTES).await?;
    let listed = String::from_utf8_lossy(&listed);
    let sums = Sums::parse(&listed)
        .with_context(|| format!("{} of {tag} in {source} can't be read", sums::FILE))?;
    let asset = |function: &Function| format!("{}-{architecture}", function.name());
    let missing: Vec<_> = functions.iter().map(asset).collect();
    let missing: Vec<_> = missing.iter().filter(|name| !sums.has(name)).collect();
    if !missing.is_empty() {
        let missing: Vec<_> = missing.into_iter().map(String::as_str).collect();
        bail!(
            "{} of {tag} in {source} lists no {}: it is no release of Banto for {architecture}, or not whole",
            sums::FILE,
            missing.join(", ")
        );
    }
    let mut programs = Vec::new();
    for function in functions {
        let program = assets.get(&asset(function), PROGRAM_BYTES).await?;
        programs.push((*function, program));
    }
    let problem =
        |(function, bytes): &(Function, Vec<u8>)| sums.check(&asset(function), bytes).err();
    let problems: Vec<String> = programs.iter().filter_map(problem).collect();
    if !problems.is_empty() {
        bail!(
            "what {source} gave is not what {} of {tag} says, so nothing was written:\n{}\nTry again. If it stays so, \
             the release was changed, or someone is in between: don't use it",
            sums::FILE,
            problems.join("\n")
        );
    }
    Ok(programs)
}

/// A release that is there.
struct Assets<'a> {
    source: &'a Source,
    tag: &'a Tag,
    client: Client<Connector, Empty<Bytes>>,
    /// Those that the API lists.
    listed: Vec<Asset>,
    bar: &'a ProgressBar,
}

/// What the API says of a release. (GitHub REST API, "Get a release by tag name".)
#[derive(Deserialize)]
struct Release {
    assets: Vec<Asset>,
}

#[derive(Deserialize)]
struct Asset {
    id: u64,
    name: String,
}

impl<'a> Assets<'a> {
    async fn open(
        source: &'a Source,
        tag: &'a Tag,
        roots: &TrustedRoots,
        bar: &'a ProgressBar,
    ) -> Result<Self> {
        let client = Client::builder(TokioExecutor::new()).build(roots.connector(PATIENCE));
        let mut assets = Self {
            source,
            tag,
            client,
            listed: Vec::new(),
            bar,
        };
        if let Source::Api { url, token, .. } = source {
            let url = format!("{url}/releases/tags/{tag}");
            let json = "application/vnd.github+json";
            let release = assets
                .download(&url, json, Some(token), RELEASE_BYTES)
                .await;
            let release = release.map_err(|failure| assets.tell(failure, sums::FILE))?;
            let release: Release = serde_json::from_slice(&release)
                .with_context(|| format!("{url} did not answer as GitHub's API does"))?;
            assets.listed = release.assets;
        }
        Ok(assets)
    }

    /// Reads an asset whole.
    async fn get(&self, name: &str, most: usize) -> Result<Vec<u8>> {
        self.bar.set_message(name.to_owned());
        let binary = "application/octet-stream";
        let read = match self.source {
            Source::Folder(folder) => return self.read(&folder.join(name), name, most),
            Source::Mirror(url) | Source::Public { url, .. } => {
                self.download(&format!("{url}/{name}"), binary, None, most)
                    .await
            }
            Source::Api { url, token, .. } => {
                let asset = self.listed.iter().find(|asset| asset.name == name);
                let id = asset
                    .map(|asset| asset.id)
                    .with_context(|| self.source.lacks(self.tag, name))?;
                let url = format!("{url}/releases/assets/{id}");
                self.download(&url, binary, Some(token), most).await
            }
        };
        read.map_err(|failure| self.tell(failure, name))
    }

    fn read(&self, path: &Path, name: &str, most: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| {
            // One more, which says that it is too large.
            let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
            file.take(limit).read_to_end(&mut bytes)
        });
        match read {
            Ok(length) if length > most => Err(self.tell(Failure::TooLarge(most), name)),
            Ok(_) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(anyhow!(self.source.lacks(self.tag, name)))
            }
            Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
        }
    }

    /// Follows redirects. Who reads an asset where it leads to needs no token, and may be another.
    async fn download(
        &self,
        url: &str,
        accept: &'static str,
        token: Option<&SecretString>,
        most: usize,
    ) -> Result<Vec<u8>, Failure> {
        let first: Uri = url
            .parse()
            .map_err(|_| Failure::Redirected("no URL".to_owned()))?;
        let mut uri = first.clone();
        for _ in 0..=REDIRECTS {
            let token = token.filter(|_| is_same_server(&first, &uri));
            let response = self.ask(&uri, accept, token).await?;
            let status = response.status();
            if status.is_redirection() {
                uri = redirect(&uri, response.headers().get(LOCATION))?;
            } else if status == StatusCode::OK {
                return self.body(response.into_body(), most).await;
            } else {
                return Err(Failure::Refused(status));
            }
        }
        Err(Failure::Redirected("more than four others".to_owned()))
    }

    async fn ask(
        &self,
        uri: &Uri,
        accept: &'static str,
        token: Option<&SecretString>,
    ) -> Result<Response<Incoming>, Failure> {
        let unreachable = |why: String| Failure::Unreachable {
            server: server(uri),
            why,
        };
        let mut request = Request::get(uri.clone())
            .header(ACCEPT, accept)
            // The API refuses who has no name.
            .header(USER_AGENT, concat!("banto/", env!("CARGO_PKG_VERSION")));
        if let Some(token) = token {
            let bearer = format!("Bearer {}", token.expose_secret());
            let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| Failure::NoToken)?;
            bearer.set_sensitive(true);
            request = request
                .header(AUTHORIZATION, bearer)
                .header("x-github-api-version", "2022-11-28");
        }
        let request = request
            .body(Empty::new())
            .map_err(|error| unreachable(error.to_string()))?;
        match tokio::time::timeout(PATIENCE, self.client.request(request)).await {
            Ok(answer) => answer.map_err(|error| unreachable(causes(&error))),
            Err(_) => Err(unreachable(format!(
                "no answer in {} s",
                PATIENCE.as_secs()
            ))),
        }
    }

    async fn body(&self, mut body: Incoming, most: usize) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        loop {
            let frame = tokio::time::timeout(PATIENCE, body.frame()).await;
            let silent = |_| Failure::BrokenOff(format!("nothing came for {PATIENCE:?}"));
            let Some(frame) = frame.map_err(silent)? else {
                return Ok(bytes);
            };
            let frame = frame.map_err(|error| Failure::BrokenOff(causes(&error)))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if bytes.len() + data.len() > most {
                return Err(Failure::TooLarge(most));
            }
            self.bar.inc(data.len() as u64);
            bytes.extend_from_slice(&data);
        }
    }

    /// Says what to do about a failure.
    fn tell(&self, failure: Failure, name: &str) -> anyhow::Error {
        let (source, tag) = (self.source, self.tag);
        anyhow!(match failure {
            Failure::Refused(StatusCode::NOT_FOUND) => source.lacks(tag, name),
            Failure::Refused(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
                if matches!(source, Source::Api { .. }) =>
                format!(
                    "GitHub refuses to read {name} of {tag} in {source} with the token of GH_TOKEN or GITHUB_TOKEN: it \
                     must be valid and may read contents; a public repository needs none"
                ),
            Failure::Refused(status) => format!(
                "{source} does not give {name} of {tag}, but HTTP status {}: try again later",
                status.as_u16()
            ),
            Failure::NoToken => "the token of GH_TOKEN or GITHUB_TOKEN is no token".to_owned(),
            Failure::Unreachable { server, why } => format!(
                "can't reach {server} for {name} of {tag}: {why}. Without a direct way there, get the release's assets \
                 elsewhere and give them by --from; where a proxy ends TLS, AWS_CA_BUNDLE names its certificates"
            ),
            Failure::BrokenOff(why) =>
                format!("the download of {name} of {tag} broke off: {why}. Try again"),
            Failure::TooLarge(most) => format!(
                "{name} of {tag} in {source} has more than {most} bytes, so it is not Banto's"
            ),
            Failure::Redirected(to) => format!(
                "{source} leads to {to} for {name} of {tag}, and only a few redirects to https are followed"
            ),
        })
    }
}

/// Why there is no answer.
#[derive(Debug)]
enum Failure {
    Refused(StatusCode),
    NoToken,
    Unreachable { server: String, why: String },
    BrokenOff(String),
    TooLarge(usize),
    Redirected(String),
}

/// Returns where a redirect leads.
fn redirect(from: &Uri, location: Option<&HeaderValue>) -> Result<Uri, Failure> {
    let nowhere = || Failure::Redirected("nowhere".to_owned());
    let location = location
        .and_then(|location| location.to_str().ok())
        .ok_or_else(nowhere)?;
    let to = if location.starts_with('/') && !location.starts_with("//") {
        format!("{}{location}", server(from))
    } else {
        location.to_owned()
    };
    let to: Uri = to.parse().map_err(|_| nowhere())?;
    // A server on this machine may lead to another there, as tests do; the world's may not.
    if is_https(&to) || is_here(from) && is_here(&to) {
        Ok(to)
    } else {
        Err(Failure::Redirected(server(&to)))
    }
}

fn is_same_server(one: &Uri, other: &Uri) -> bool {
    one.scheme() == other.scheme() && one.authority() == other.authority()
}

/// A URL's beginning. Its path and its query may open what it names to anyone who reads them.
fn server(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    format!("{scheme}://{}", uri.host().unwrap_or_default())
        + &uri
            .port()
            .map_or_else(String::new, |port| format!(":{port}"))
}

/// An error with its causes, which say more than it does.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
