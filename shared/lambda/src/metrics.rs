//! What is counted, in CloudWatch's embedded metric format: a line on standard output becomes
//! metrics. (CloudWatch user guide, "Specification: Embedded metric format".)

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
    /// Adds a count.
    pub fn count(&mut self, name: &'static str, value: usize) {
        self.values.push((name, "Count", json!(value)));
    }

    /// Adds a duration in seconds.
    pub fn seconds(&mut self, name: &'static str, value: f64) {
        self.values.push((name, "Seconds", json!(value)));
    }

    /// Adds what another part of the invocation counted: counts add up, and of times the longest
    /// stays.
    pub fn add(&mut self, other: Self) {
        for (name, unit, value) in other.values {
            let Some((.., known)) = self.values.iter_mut().find(|(known, ..)| *known == name)
            else {
                self.values.push((name, unit, value));
                continue;
            };
            *known = match (known.as_u64(), value.as_u64()) {
                (Some(known), Some(more)) => json!(known + more),
                _ => json!(f64::max(
                    known.as_f64().unwrap_or_default(),
                    value.as_f64().unwrap_or_default()
                )),
            };
        }
    }

    /// The line to print; `None` if nothing was counted.
    pub(crate) fn line(&self, function: &str, at: Timestamp) -> Option<String> {
        if self.values.is_empty() {
            return None;
        }
        let definitions: Vec<Value> = self
            .values
            .iter()
            .map(|(name, unit, _)| json!({ "Name": name, "Unit": unit }))
            .collect();
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
        line.extend(
            self.values
                .iter()
                .map(|(name, _, value)| ((*name).to_owned(), value.clone())),
        );
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
        let line = metrics
            .line(
                "rotate-access-keys",
                "2026-11-24T01:00:00Z".parse().unwrap(),
            )
            .unwrap();
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
    fn parts_of_an_invocation_count_together() {
        let counted = |issued, age, deleted: Option<usize>| {
            let mut metrics = Metrics::default();
            metrics.count("KeysIssued", issued);
            metrics.seconds("OldestKeyAge", age);
            deleted
                .into_iter()
                .for_each(|deleted| metrics.count("KeysDeleted", deleted));
            metrics
        };
        let mut together = counted(3, 7.0, None);
        together.add(counted(2, 9.5, Some(1)));
        together.add(counted(0, 2.0, None));
        assert_eq!(together, counted(5, 9.5, Some(1)));
    }

    #[test]
    fn nothing_counted_prints_nothing() {
        assert_eq!(
            Metrics::default().line("rotate-access-keys", Timestamp::UNIX_EPOCH),
            None
        );
    }
}
