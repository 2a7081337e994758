//! The response to a dry run: the plans of both halves, and what the check refuses of them.

use anyhow::anyhow;
use banto_domain::Breach;
use banto_lambda::{InvocationError, Metrics, Response};
use serde_json::json;

use crate::converge::account::{NotPlanned, Planned};
use crate::converge::diff::{self, Counts};
use crate::converge::operations::Operation;
use crate::fan_out;

/// The plans of a dry run.
#[derive(Debug)]
pub struct DryRun {
    pub fan_out: fan_out::Planned,
    pub accounts: Vec<Result<Planned, NotPlanned>>,
    pub stack_set_operations: Vec<Operation>,
}

impl DryRun {
    /// Responds with the plans as data and as a diff.
    ///
    /// # Errors
    /// If it was about one account, and that could not be planned.
    pub fn response(&self) -> Result<Response, InvocationError> {
        if let [Err(NotPlanned { account, why })] = self.accounts.as_slice() {
            return Err(InvocationError::new(
                "NotPlanned",
                anyhow!("{account}: {why}"),
            ));
        }
        let (mut plans, mut not_planned) = (Vec::new(), Vec::new());
        for account in &self.accounts {
            match account {
                Ok(planned) => plans.push(&planned.plan),
                Err(NotPlanned { account, why }) => {
                    not_planned.push(json!({ "account": account, "why": why }));
                }
            }
        }
        let body = json!({
            "dryRun": true,
            "diff": self.diff(),
            "refused": self.refused(),
            "edits": self.fan_out.plan.edits,
            "accounts": plans,
            "stackSetOperations": self.stack_set_operations,
            "notPlanned": not_planned,
            "departed": self.fan_out.plan.delete_statuses,
        });
        Ok(Response {
            body,
            metrics: Metrics::default(),
        })
    }

    /// Unknown accounts, and every promise that the plans would break: a real run refuses these.
    pub fn refused(&self) -> Vec<String> {
        let planned = self.accounts.iter().flatten();
        let breaches = planned.flat_map(|planned| &planned.breaches);
        let mut refused = self.fan_out.refusals();
        refused.extend(breaches.map(Breach::to_string));
        refused
    }

    /// Everything that a real run would change, in lines, and how many changes it is.
    fn diff(&self) -> String {
        let mut text = String::new();
        let mut counts = Counts::default();
        for edit in &self.fan_out.plan.edits {
            text.push_str(&fan_out::diff::edit_line(edit));
            text.push('\n');
            counts.change += 1;
        }
        for operation in &self.stack_set_operations {
            diff::write_operation(&mut text, &mut counts, operation);
        }
        for planned in self.accounts.iter().flatten() {
            let account = planned.snapshot.job.account();
            diff::write_plan(&mut text, &mut counts, account, &planned.plan);
        }
        text.push('\n');
        text.push_str(&diff::summary(counts));
        text.push('\n');
        text
    }
}
