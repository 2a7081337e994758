//! AWS's list prices in us-east-1, in US dollars, by which costs are estimated.

/// The month in which the pages said so.
pub const AS_OF: &str = "2026-11";

/// A configuration item with continuous recording. (AWS Config pricing page, "Configuration items
/// recorded".)
pub const CONFIGURATION_ITEM: f64 = 0.003;

/// A terabyte that Athena scans. (Amazon Athena pricing page, "SQL queries".)
pub const SCANNED_TERABYTE: f64 = 5.0;
