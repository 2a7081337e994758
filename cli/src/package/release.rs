//! Where the programs of a release are: at GitHub, on a mirror or in a folder.
//!
//! Its assets are `<function>-<architecture>` for each, and [`sums::FILE`](super::sums::FILE).
//! Everywhere they are in a folder that is named like the tag.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};
use hyper::Uri;
use secrecy::SecretString;

/// The tag of a release, `v` and three numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(String);

impl FromStr for Tag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.strip_prefix('v').unwrap_or_default().split('.');
        let is_number = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_digit())
                && (part == "0" || !part.starts_with('0'))
        };
        let numbers: Vec<_> = numbers.map(is_number).collect();
        if numbers == [true; 3] {
            Ok(Self(text.to_owned()))
        } else {
            Err("a release's tag is v and three numbers, as in v0.1.0".to_owned())
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository of GitHub, as in `example-org/banto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository(String);

impl FromStr for Repository {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_name = |name: &str, others: &[u8]| {
            let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
            !name.is_empty() && name.bytes().all(is_fine) && !name.bytes().all(|byte| byte == b'.')
        };
        match text.split_once('/') {
            Some((owner, name)) if is_name(owner, b"-") && is_name(name, b"._-") => {
                Ok(Self(text.to_owned()))
            }
            _ => Err("a repository is its owner and its name, as in example-org/banto".to_owned()),
        }
    }
}

impl Repository {
    /// Returns the repository that a package of Cargo names, if it names one at GitHub.
    fn of_package(url: &str) -> Option<Self> {
        let path = url.strip_prefix("https://github.com/")?;
        let path = path.trim_end_matches('/');
        path.strip_suffix(".git").unwrap_or(path).parse().ok()
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What has a folder for each release, in place of GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// A URL without a slash at its end.
    Web(String),
    /// A folder of this machine.
    Folder(PathBuf),
}

impl FromStr for Mirror {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return Ok(Self::Folder(text.into()));
        }
        let url = text.trim_end_matches('/');
        match url.parse::<Uri>() {
            Ok(uri) if uri.query().is_none() && (is_https(&uri) || is_here(&uri)) => {
                Ok(Self::Web(url.to_owned()))
            }
            _ => Err(
                "a mirror is an https URL without a query, or a folder; http is for this machine alone"
                    .to_owned(),
            ),
        }
    }
}

pub(super) fn is_https(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https") && uri.host().is_some_and(|host| !host.is_empty())
}

/// True of a server on this machine, which needs no encryption.
pub(super) fn is_here(uri: &Uri) -> bool {
    let is_local = |host| matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    uri.scheme_str() == Some("http") && uri.host().is_some_and(is_local)
}

/// GitHub's addresses, without a slash at their ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hosts<'a> {
    pub(super) web: &'a str,
    pub(super) api: &'a str,
}

pub(super) const GITHUB: Hosts<'_> = Hosts {
    web: "https://github.com",
    api: "https://api.github.com",
};

/// Where the assets of a release are.
#[derive(Debug)]
pub(super) enum Source {
    Folder(PathBuf),
    Mirror(String),
    /// For anyone, by their names.
    Public {
        url: String,
        repository: Repository,
    },
    /// By the API, which a private repository needs. (GitHub REST API, "Get a release asset".)
    Api {
        /// The repository's, such as `https://api.github.com/repos/example-org/banto`.
        url: String,
        repository: Repository,
        token: SecretString,
    },
}

impl Source {
    /// Chooses by what was asked for and by the variables of the environment.
    ///
    /// # Errors
    /// If nothing says which repository has the release.
    pub(super) fn new(
        tag: &Tag,
        from: Option<&Mirror>,
        repository: Option<&Repository>,
        var: impl Fn(&str) -> Option<String>,
        hosts: Hosts<'_>,
    ) -> Result<Self> {
        match from {
            Some(Mirror::Folder(folder)) => return Ok(Self::Folder(folder.join(&tag.0))),
            Some(Mirror::Web(url)) => return Ok(Self::Mirror(format!("{url}/{tag}"))),
            None => {}
        }
        let repository = repository.cloned().or_else(own_repository).context(
            "which repository has the release? Name it, as by --repository example-org/banto, or give its assets by \
             --from",
        )?;
        // In the order in which GitHub's own command reads them. (gh manual, "gh help environment".)
        let token = ["GH_TOKEN", "GITHUB_TOKEN"]
            .into_iter()
            .filter_map(var)
            .map(|token| token.trim().to_owned())
            .find(|token| !token.is_empty());
        Ok(match token {
            Some(token) => Self::Api {
                url: format!("{}/repos/{repository}", hosts.api),
                repository,
                token: token.into(),
            },
            None => Self::Public {
                url: format!("{}/{repository}/releases/download/{tag}", hosts.web),
                repository,
            },
        })
    }

    /// Says what to do about a file that is not there.
    pub(super) fn lacks(&self, tag: &Tag, name: &str) -> String {
        match self {
            Self::Folder(folder) => format!(
                "{} is not there: --from names the folder that has the release's assets in {tag}, as by `gh release \
                 download {tag} --dir {}`",
                folder.join(name).display(),
                folder.display()
            ),
            Self::Mirror(url) => {
                format!(
                    "{url}/{name} is not there: --from names the URL that has the release's assets in {tag}"
                )
            }
            Self::Public { repository, .. } => format!(
                "{repository} has no release {tag} with {name}, or is private: \
                 https://github.com/{repository}/releases has them all, and GH_TOKEN opens a private one"
            ),
            Self::Api { repository, .. } => format!(
                "{repository} has no release {tag} with {name}, or the token of GH_TOKEN or GITHUB_TOKEN may not read \
                 its contents"
            ),
        }
    }
}

/// The repository that this command was built from, if its package says so.
fn own_repository() -> Option<Repository> {
    Repository::of_package(env!("CARGO_PKG_REPOSITORY"))
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => Path::display(folder).fmt(f),
            Self::Mirror(url) => f.write_str(url),
            Self::Public { repository, .. } | Self::Api { repository, .. } => repository.fmt(f),
        }
    }
}
