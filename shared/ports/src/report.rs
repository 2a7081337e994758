//! The monthly report: the log archive that it reads, the store that it keeps, and Athena.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::PortError;

/// Objects by key: a bucket, or a folder with the same keys.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Returns what keys that begin with a prefix go on with up to the next slash, sorted: whole
    /// prefixes, each with a slash at its end.
    async fn folders(&self, prefix: &str) -> Result<Vec<String>, PortError>;

    /// Returns every object whose key begins with a prefix, sorted by key.
    async fn list(&self, prefix: &str) -> Result<Vec<Object>, PortError>;

    /// Returns bytes of an object, from an offset on: `most` of them, or fewer at its end.
    /// [`Missing`](crate::ErrorKind::Missing) if there is no such object.
    async fn read(&self, key: &str, from: u64, most: usize) -> Result<Vec<u8>, PortError>;
}

/// An object, as a listing tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its bytes.
    pub size: u64,
}

/// What is written whole or not at all.
#[async_trait]
pub trait ReportStore: Objects {
    /// Writes an object in place of whatever has its key.
    async fn put(&self, object: NewObject) -> Result<(), PortError>;

    /// Writes an object if none has its key; [`Conflict`](crate::ErrorKind::Conflict) if one has.
    async fn create(&self, object: NewObject) -> Result<(), PortError>;
}

/// An object to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObject {
    /// Its key.
    pub key: String,
    /// Its media type, as in `text/html; charset=utf-8`.
    pub media_type: &'static str,
    /// `gzip`, if its bytes are compressed and whoever asks for it is to see them uncompressed.
    pub encoding: Option<&'static str>,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// Athena: SQL over the archive's objects.
#[async_trait]
pub trait QueryEngine: Send + Sync {
    /// Begins a query, and returns its id. A token that was used before with the same query returns
    /// that one's id.
    async fn start(&self, query: &Query) -> Result<String, PortError>;

    /// Returns how far a query is.
    async fn status(&self, id: &str) -> Result<QueryStatus, PortError>;

    /// Returns a page of a query's rows, the columns' names aside.
    async fn rows(&self, id: &str, after: Option<String>) -> Result<RowPage, PortError>;

    /// Stops a query.
    async fn stop(&self, id: &str) -> Result<(), PortError>;
}

/// A query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// One SELECT.
    pub sql: String,
    /// 32 to 128 characters that name this execution. (Athena API reference,
    /// `StartQueryExecution`.)
    pub token: String,
}

/// How far a query is. (Athena API reference, `QueryExecutionStatus` and
/// `QueryExecutionStatistics`.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryStatus {
    /// Queued or running; it has scanned this many bytes so far.
    Running {
        /// The bytes.
        scanned: u64,
    },
    /// Its rows can be read.
    Succeeded {
        /// The bytes that it scanned.
        scanned: u64,
    },
    /// It failed or was stopped, for this reason.
    Failed {
        /// Athena's words.
        reason: String,
        /// The bytes that it scanned, which are paid for.
        scanned: u64,
    },
}

/// Part of a query's rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowPage {
    /// Each row's values by column; one that is NULL is left out.
    pub rows: Vec<BTreeMap<String, String>>,
    /// The place of the next part; `None` after the last one.
    pub next: Option<String>,
}
