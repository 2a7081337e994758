//! The calls that are made, as errors and the function's IAM policy name them.

pub(super) const BATCH_GET: &str = "dynamodb:BatchGetItem";
pub(super) const CHECK: &str = "dynamodb:ConditionCheckItem";
pub(super) const DELETE: &str = "dynamodb:DeleteItem";
pub(super) const GET: &str = "dynamodb:GetItem";
pub(super) const PUT: &str = "dynamodb:PutItem";
pub(super) const QUERY: &str = "dynamodb:Query";
pub(super) const UPDATE: &str = "dynamodb:UpdateItem";
