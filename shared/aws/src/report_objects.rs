//! The objects of a bucket: the log archive, and what reports keep.

use async_trait::async_trait;
use banto_ports::{ErrorKind, NewObject, Object, Objects, PortError, ReportStore};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::caller::encoded_query;
use crate::errors::lacking;
use crate::objects::S3;
use crate::xml::{self, Element};

const LIST: &str = "s3:ListBucket";
const GET: &str = "s3:GetObject";
const PUT: &str = "s3:PutObject";

/// Most pages of one listing, of a thousand keys each. A reader lists a folder of a day at a time;
/// whoever lists more has the wrong prefix, and a million keys would fill a function's memory.
const MAX_PAGES: usize = 1_000;

/// The objects of a bucket.
#[derive(Debug)]
pub struct S3Objects {
    s3: S3,
    bucket: String,
}

/// Part of a listing.
#[derive(Debug, Default)]
struct Page {
    /// The prefixes up to the delimiter.
    folders: Vec<String>,
    objects: Vec<Object>,
    /// The token of the next part.
    next: Option<String>,
}

impl S3Objects {
    pub(crate) fn new(s3: S3, bucket: &str) -> Self {
        Self {
            s3,
            bucket: bucket.to_owned(),
        }
    }

    /// The first `most` bytes of an object, and when it was stored, for whoever may not list its
    /// versions.
    ///
    /// # Errors
    /// [`Missing`](ErrorKind::Missing) if there is no such object.
    pub async fn read_dated(
        &self,
        key: &str,
        most: usize,
    ) -> Result<(Vec<u8>, Option<Timestamp>), PortError> {
        self.s3.get_dated(GET, &self.bucket, key, most).await
    }

    /// Every part of a listing together.
    async fn pages(&self, prefix: &str, delimiter: Option<char>) -> Result<Page, PortError> {
        // Keys may have characters that XML has no way to write. (S3 API reference,
        // `ListObjectsV2`, parameter `encoding-type`.)
        let mut query = format!("encoding-type=url&prefix={}", encoded_query(prefix));
        if let Some(delimiter) = delimiter {
            let delimiter = encoded_query(&delimiter.to_string());
            query = format!("delimiter={delimiter}&{query}");
        }
        let mut all = Page::default();
        for _ in 0..MAX_PAGES {
            let asked = match all.next.take() {
                None => query.clone(),
                Some(token) => format!("continuation-token={}&{query}", encoded_query(&token)),
            };
            let text = self.s3.list(LIST, &self.bucket, &asked).await?;
            let page = page(&text)?;
            all.folders.extend(page.folders);
            all.objects.extend(page.objects);
            all.next = page.next;
            if all.next.is_none() {
                return Ok(all);
            }
        }
        let message = format!(
            "more than a million keys of {:?} begin with {prefix:?}",
            self.bucket
        );
        Err(PortError::new(ErrorKind::Invalid, LIST, message))
    }

    async fn write(&self, object: NewObject, only_if_new: bool) -> Result<(), PortError> {
        let mut headers = vec![("content-type", object.media_type.to_owned())];
        let encoding = object.encoding.map(str::to_owned);
        headers.extend(encoding.map(|encoding| ("content-encoding", encoding)));
        if only_if_new {
            headers.push(("if-none-match", "*".to_owned()));
        }
        self.s3
            .put(PUT, &self.bucket, &object.key, headers, object.body)
            .await
    }
}

#[async_trait]
impl Objects for S3Objects {
    async fn folders(&self, prefix: &str) -> Result<Vec<String>, PortError> {
        let mut folders = self.pages(prefix, Some('/')).await?.folders;
        folders.sort();
        Ok(folders)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Object>, PortError> {
        let mut objects = self.pages(prefix, None).await?.objects;
        objects.sort();
        Ok(objects)
    }

    async fn read(&self, key: &str, from: u64, most: usize) -> Result<Vec<u8>, PortError> {
        self.s3.get_from(GET, &self.bucket, key, from, most).await
    }
}

#[async_trait]
impl ReportStore for S3Objects {
    async fn put(&self, object: NewObject) -> Result<(), PortError> {
        self.write(object, false).await
    }

    /// S3 refuses to write over an object, and to write one that somebody else is writing. An
    /// attempt whose answer was lost may have written it, so that the next one is refused: what is
    /// there then is the caller's own. (S3 user guide, "How to prevent object overwrites with
    /// conditional writes".)
    async fn create(&self, object: NewObject) -> Result<(), PortError> {
        self.write(object, true).await
    }
}

fn page(text: &str) -> Result<Page, PortError> {
    let document = xml::document(LIST, text)?;
    let mut page = Page::default();
    let root = document.root_element();
    for element in root.children() {
        if element.is_named("CommonPrefixes") {
            page.folders.push(key_of(element.text_of("Prefix"))?);
        } else if element.is_named("Contents") {
            let size = element.text_of("Size").and_then(|size| size.parse().ok());
            page.objects.push(Object {
                key: key_of(element.text_of("Key"))?,
                size: size.ok_or_else(|| lacking(LIST, "an object's size"))?,
            });
        }
    }
    if root.text_of("IsTruncated") == Some("true") {
        let token = root.text_of("NextContinuationToken");
        let token = token.ok_or_else(|| lacking(LIST, "the token of its next part"))?;
        page.next = Some(token.to_owned());
    }
    Ok(page)
}

/// A key, which is encoded as a form is: a space is a plus sign.
fn key_of(encoded: Option<&str>) -> Result<String, PortError> {
    let encoded = encoded.ok_or_else(|| lacking(LIST, "a key"))?;
    let spaced = encoded.replace('+', " ");
    let key = percent_decode_str(&spaced).decode_utf8();
    key.map(|key| key.into_owned())
        .map_err(|_| lacking(LIST, "a key in UTF-8"))
}
