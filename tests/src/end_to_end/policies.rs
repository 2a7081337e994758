//! Every call of a function's binary is one that AWS would allow it.

use std::sync::LazyLock;

use banto::local::proxy::Call;
use banto_fake::Permissions;
use serde_json::Value;

use crate::{compliance, onboarding, report, rotation};

/// What rotate-access-keys may do in an identity account that is not its own: the statements of its
/// policy that infra/modules/rotator-role takes over.
pub static IDENTITY_PERMISSIONS: LazyLock<Permissions> = LazyLock::new(|| {
    let template = include_str!("../../../functions/rotate-access-keys/iam-policy.json");
    let module = include_str!("../../../infra/modules/rotator-role/policy/main.tf");
    let mut policy: Value = serde_json::from_str(template).unwrap();
    let (_, sids) = module.split_once("sids = [").unwrap();
    let (sids, _) = sids.split_once(']').unwrap();
    let sids: Vec<&str> = sids.split('"').skip(1).step_by(2).collect();
    let statements = policy["Statement"].as_array_mut().unwrap();
    statements.retain(|one| sids.contains(&one["Sid"].as_str().unwrap()));
    assert_eq!(statements.len(), sids.len(), "{sids:?}");
    Permissions::new(
        "rotate-access-keys, in other accounts",
        &policy.to_string(),
        &[],
    )
});

/// The calls of a function that its policies don't allow, each once: its own policy for what it
/// signs with its own key, else that of the roles that it assumes.
pub fn denied(function: &str, own_key: &str, calls: &[Call]) -> Vec<String> {
    let (own, assumed): (&'static Permissions, Option<&'static Permissions>) = match function {
        "rotate-access-keys" => (&rotation::harness::PERMISSIONS, Some(&IDENTITY_PERMISSIONS)),
        "onboard-accounts" => (
            &onboarding::harness::PERMISSIONS,
            Some(&onboarding::harness::SESSION_PERMISSIONS),
        ),
        "notify-compliance" => (&compliance::harness::PERMISSIONS, None),
        "report-compliance" => (&report::harness::PERMISSIONS, None),
        _ => return vec![format!("{function} has no policy")],
    };
    let mut denied: Vec<String> = Vec::new();
    for call in calls {
        let is_own = call.signed_by == own_key;
        let is_missing = call.status == Some(404);
        let policy = if is_own { Some(own) } else { assumed };
        let lacking = match policy {
            Some(policy) => policy.lacking(&call.operation, &call.request, is_missing),
            None => vec!["a role to assume".to_owned()],
        };
        let whose = if is_own { "its own" } else { "an assumed" };
        let whose = format!("{}, with {whose} role, needs", call.operation);
        denied.extend(lacking.iter().map(|action| format!("{whose} {action}")));
    }
    denied.sort();
    denied.dedup();
    denied
}

#[test]
fn a_call_that_a_policy_does_not_allow_is_found() {
    let call = |operation: &str, signed_by: &str, status| Call {
        operation: operation.to_owned(),
        status: Some(status),
        denied: None,
        fault: None,
        signed_by: signed_by.to_owned(),
        request: Value::Null,
    };
    let calls = [
        call("iam:GetUser", "own", 200),
        call("iam:DeleteUser", "own", 200),
        call("sqs:SendMessageBatch", "own", 200),
        call("sqs:SendMessageBatch", "other", 200),
        call("iam:GetUser", "other", 200),
    ];
    assert_eq!(
        denied("rotate-access-keys", "own", &calls),
        [
            "iam:DeleteUser, with its own role, needs iam:DeleteUser",
            "sqs:SendMessageBatch, with an assumed role, needs sqs:SendMessage",
        ]
    );
    // To be told that an object is missing needs a permission of its own.
    let missing = [call("s3:GetObject", "own", 404)];
    assert_eq!(
        denied("onboard-accounts", "own", &missing),
        [
            "s3:GetObject, with its own role, needs s3:GetObject",
            "s3:GetObject, with its own role, needs s3:ListBucket",
        ]
    );
}
