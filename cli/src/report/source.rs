//! The archive that `--from` names: a folder or a bucket.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use banto_aws::Aws;
use banto_domain::policy::report::ObjectPlace;
use banto_ports::Objects;

use super::folder::Folder;

/// Where an archive lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket, and what keys in it begin with.
    Bucket(ObjectPlace),
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some(place) = text.strip_prefix("s3://") else {
            return match text {
                "" => Err("expected a folder, or s3://BUCKET/PREFIX".to_owned()),
                path => Ok(Self::Folder(PathBuf::from(path))),
            };
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err("expected a bucket after s3://".to_owned());
        }
        let slash = if prefix.is_empty() || prefix.ends_with('/') {
            ""
        } else {
            "/"
        };
        Ok(Self::Bucket(ObjectPlace {
            bucket: bucket.to_owned(),
            prefix: format!("{prefix}{slash}"),
        }))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket(place) => write!(f, "s3://{}/{}", place.bucket, place.prefix),
        }
    }
}

impl Source {
    /// Returns the archive's objects, and what the keys of the archive in them begin with.
    ///
    /// # Errors
    /// If there is no such folder, or AWS can't be called.
    pub fn open(&self) -> Result<(Arc<dyn Objects>, String)> {
        match self {
            Self::Folder(path) => {
                if !path.is_dir() {
                    bail!("there is no folder {}", path.display());
                }
                // Whoever names AWS Config's own folder means what it lies in.
                let root = match path.file_name() {
                    Some(name) if name == "AWSLogs" => path.join(".."),
                    _ => path.clone(),
                };
                Ok((Arc::new(Folder::new(root)), String::new()))
            }
            Self::Bucket(place) => {
                let bucket = aws()?.bucket(&place.bucket);
                let prefix = without_logs(&place.prefix);
                Ok((Arc::new(bucket), prefix.to_owned()))
            }
        }
    }
}

/// AWS by the environment.
pub fn aws() -> Result<Aws> {
    Aws::from_env().context(
        "AWS can't be called; for the credentials of a profile: eval \"$(aws configure export-credentials --format env)\", and AWS_REGION",
    )
}

fn without_logs(prefix: &str) -> &str {
    match prefix.strip_suffix("AWSLogs/") {
        Some(before) if before.is_empty() || before.ends_with('/') => before,
        _ => prefix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(prefix: &str) -> Source {
        Source::Bucket(ObjectPlace {
            bucket: "logs".into(),
            prefix: prefix.into(),
        })
    }

    #[test]
    fn a_source_is_a_folder_or_a_bucket() {
        for (text, source) in [
            ("archive", Source::Folder("archive".into())),
            ("s3://logs", bucket("")),
            ("s3://logs/", bucket("")),
            ("s3://logs/o-exampleorgid", bucket("o-exampleorgid/")),
            ("s3://logs/a/b/", bucket("a/b/")),
        ] {
            assert_eq!(text.parse(), Ok(source), "{text}");
        }
        for wrong in ["", "s3://", "s3:///x"] {
            assert!(wrong.parse::<Source>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_folder_of_aws_config_itself_means_what_it_lies_in() {
        assert_eq!(without_logs("AWSLogs/"), "");
        assert_eq!(without_logs("o-x/AWSLogs/"), "o-x/");
        assert_eq!(without_logs("MyAWSLogs/"), "MyAWSLogs/");
        let root = tempfile::tempdir().unwrap();
        let logs = root.path().join("AWSLogs");
        std::fs::create_dir_all(logs.join("111122223333")).unwrap();
        let (_, prefix) = Source::Folder(logs).open().unwrap();
        assert_eq!(prefix, "");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let error = Source::Folder("/nowhere/at/all".into())
            .open()
            .err()
            .unwrap();
        assert_eq!(error.to_string(), "there is no folder /nowhere/at/all");
    }
}
