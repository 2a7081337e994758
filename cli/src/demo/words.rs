//! The names of the wire, in the words of the tour.

use serde_json::Value;

/// An action that is planned, in words.
pub(super) fn planned(action: &Value) -> String {
    match text(action, "kind") {
        "issue" => "a new key".to_owned(),
        "notifyOwner" => format!("to be {}", told(text(action, "notice"))),
        other => spaced(other),
    }
}

/// An action that was done, in words.
pub(super) fn done(action: &Value) -> String {
    match text(action, "kind") {
        "issue" => "new key issued and sealed".to_owned(),
        "notifyOwner" => told(text(action, "notice")),
        "disable" => "old key disabled".to_owned(),
        "disableExposed" => "exposed keys disabled at once".to_owned(),
        "saveProof" => "noted that the new key is used".to_owned(),
        "saveLook" => "noted that CloudTrail was looked at again".to_owned(),
        "close" => "nothing left to follow".to_owned(),
        "delete" => "disabled key deleted".to_owned(),
        other => spaced(other),
    }
}

/// A notice to a key's owner, in words. Others than these do not occur in the story, or speak for
/// themselves.
fn told(notice: &str) -> String {
    let words = match notice {
        "warning" => "warned that the key is replaced soon",
        "certificateProblem" => "asked for a certificate",
        "issued" => "told of the new key",
        "notFetched" => "reminded to fetch the new key",
        "willBeDisabled" => "told when the old key stops working",
        "disabling" => "told that the old key stops working",
        "willBeDeleted" => "told when the disabled key is deleted",
        "deleting" => "told that it is deleted",
        other => return format!("told: {}", spaced(other)),
    };
    words.to_owned()
}

/// `willBeDisabled` as `will be disabled`.
pub(super) fn spaced(camel: &str) -> String {
    let mut words = String::new();
    for c in camel.chars() {
        if c.is_uppercase() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

/// A text of an answer; empty if it is not there.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_the_wire_become_words() {
        assert_eq!(spaced("willBeDisabled"), "will be disabled");
        let notice = |notice| json!({ "kind": "notifyOwner", "notice": notice });
        assert_eq!(done(&notice("issued")), "told of the new key");
        assert_eq!(planned(&notice("issued")), "to be told of the new key");
        assert_eq!(done(&notice("newCertificate")), "told: new certificate");
    }
}
