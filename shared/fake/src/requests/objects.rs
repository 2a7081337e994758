//! Requests about the objects of buckets.

use banto_ports::NewObject;
use serde_json::{Value, json};

pub(crate) fn list(bucket: &str, prefix: &str, delimiter: Option<&str>) -> Value {
    json!({ "Bucket": bucket, "Prefix": prefix, "Delimiter": delimiter, "EncodingType": "url" })
}

pub(crate) fn get(bucket: &str, key: &str, from: u64, most: usize) -> Value {
    let last = from + (most as u64).saturating_sub(1);
    json!({ "Bucket": bucket, "Key": key, "Range": format!("bytes={from}-{last}") })
}

/// The body is left out: it may be large, and no rule is about it.
pub(crate) fn put(bucket: &str, object: &NewObject, is_new: bool) -> Value {
    json!({
        "Bucket": bucket,
        "Key": object.key,
        "ContentType": object.media_type,
        "ContentEncoding": object.encoding,
        "IfNoneMatch": is_new.then_some("*"),
    })
}
