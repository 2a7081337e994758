//! infra/tests/expected/calls.json: what each policy is for, statement by statement, so that
//! infra/tests/test_iam.py finds what Terraform's rendering of it loses or adds.
//!
//! These are the templates' permissions, each of which a scene uses, or
//! tests/src/permissions/unused.txt says why none does; see `permissions.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use banto_fake::Permissions;

use crate::end_to_end::policies::IDENTITY_PERMISSIONS;
use crate::{compliance, onboarding, report, rotation};

const CALLS: &str = "../infra/tests/expected/calls.json";

#[test]
fn calls_json_has_each_policys_permissions() {
    let policies: [&'static Permissions; 6] = [
        &rotation::harness::PERMISSIONS,
        &IDENTITY_PERMISSIONS,
        &onboarding::harness::PERMISSIONS,
        &onboarding::harness::SESSION_PERMISSIONS,
        &compliance::harness::PERMISSIONS,
        &report::harness::PERMISSIONS,
    ];
    let mut calls: BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for permission in policies.iter().flat_map(|policy| policy.all()) {
        let statements = calls.entry(permission.policy).or_default();
        let actions = statements.entry(permission.sid).or_default();
        actions.insert(permission.action);
    }
    assert_eq!(calls.len(), policies.len());
    let text = serde_json::to_string_pretty(&calls).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(CALLS);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, text).unwrap();
        return;
    }
    let known = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        known == text,
        "{CALLS} is of other policies: BLESS=1 writes it"
    );
}
