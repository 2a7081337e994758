//! What is counted, in CloudWatch's embedded metric format: a line on standard output becomes metrics.
//! (CloudWatch user guide, "Specification: Embedded metric format".)

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Where Banto's metrics are found in CloudWatch.
const NAMESPACE: &str = "Banto";

/// What is counted in one invocation; at most 100 metrics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    values: Vec<(&'static str, &'static str, Value)>,
}

impl Metrics {
    /// Counts things.
    pub fn count(&mut self, name: &'static str, value: usize) {
        self.values.push((name, "Count", json!(value)));
    }

    /// Measures a time.
    pub fn seconds(&mut self, name: &'static str, value: f64) {
        self.values.push((name, "Seconds", json!(value)));
    }

    /// The line to print; `None` if nothing was counted.
    pub(crate) fn line(&self, function: &str, at: Timestamp) -> Option<String> {
        if self.values.is_empty() {
            return None;
        }
        let definitions: Vec<Value> =
            self.values.iter().map(|(name, unit, _)| json!({ "Name": name, "Unit": unit })).collect();
        let mut line = Map::new();
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": at.as_millisecond(),
                "CloudWatchMetrics": [
                    { "Namespace": NAMESPACE, "Dimensions": [["Function"]], "Metrics": definitions }
                ],
            }),
        );
        line.insert("Function".to_owned(), json!(function));
        line.extend(self.values.iter().map(|(name, _, value)| ((*name).to_owned(), value.clone())));
        Some(Value::Object(line).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_what_the_specification_asks_for() {
        let mut metrics = Metrics::default();
        metrics.count("KeysIssued", 3);
        metrics.seconds("OldestKeyAge", 1.5);
        let line = metrics.line("rotate-access-keys", "2026-11-24T01:00:00Z".parse().unwrap()).unwrap();
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_482_000_000_i64,
                "CloudWatchMetrics": [{
                    "Namespace": "Banto",
                    "Dimensions": [["Function"]],
                    "Metrics": [
                        { "Name": "KeysIssued", "Unit": "Count" },
                        { "Name": "OldestKeyAge", "Unit": "Seconds" },
                    ],
                }],
            },
            "Function": "rotate-access-keys",
            "KeysIssued": 3,
            "OldestKeyAge": 1.5,
        });
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), expected);
        assert!(!line.contains('\n'));
    }

    #[test]
    fn nothing_counted_prints_nothing() {
        assert_eq!(Metrics::default().line("rotate-access-keys", Timestamp::UNIX_EPOCH), None);
    }
}
