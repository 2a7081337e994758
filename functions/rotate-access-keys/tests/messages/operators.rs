//! Every line that operators can get.

use std::collections::BTreeSet;

use banto_domain::record::Reason;
use banto_domain::{AccessKeyId, Breach, SessionKeyId};
use banto_notice::Notice;
use banto_ports::{ErrorKind, PortError};
use jiff::{SignedDuration, Timestamp};
use rotate_access_keys::event::Mode;
use rotate_access_keys::notices;
use rotate_access_keys::outcome::{AccountOutcome, ApplyError, ChainOutcome, Failures};
use rotate_access_keys::plan::{
    Action, DisableReason, Exposed, Finding, FindingKind, Leave, LeftKey, OrphanProof, OtherKey,
    OwnerNotice, Plan, WaitReason, Waiting,
};
use rotate_access_keys::snapshot::{Contained, StoredRecord, Stranger, Used};

use super::{PROBLEM, at, certificate_problem, last_use, new, old, warning};

/// Everything that a run of one account can tell operators, and everything that concerns no user.
pub(super) fn messages() -> Vec<(&'static str, Notice)> {
    let summary =
        |outcome: &AccountOutcome| notices::summary(outcome, Failures::Told, "run").unwrap();
    let strangers = strangers();
    let mut messages = vec![
        ("to operators: done", summary(&done())),
        ("to operators: failed", summary(&failed())),
        ("to operators: refused", summary(&refused())),
        ("to operators: to look at", summary(&found(false))),
        ("to operators: still late", summary(&found(true))),
        ("to operators: somebody left", summary(&left(true))),
        (
            "to operators: somebody left with nothing",
            summary(&left(false)),
        ),
        ("to operators: not done", summary(&left_alone(answers()))),
        ("to operators: hindered", summary(&left_alone(hindrances()))),
        (
            "to operators: things that concern no user",
            notices::of_strangers(&strangers, "request"),
        ),
        (
            "to operators: a message that can't be read",
            notices::unreadable("message", "unknown field `user`; expected \"users\""),
        ),
    ];
    for stranger in strangers {
        let notice = notices::of_strangers(std::slice::from_ref(&stranger), "request");
        messages.push(("to operators: one thing that concerns no user", notice));
    }
    messages
}

fn keys() -> BTreeSet<AccessKeyId> {
    BTreeSet::from([old(), new()])
}

fn exposed(is_beside: bool) -> Action {
    Action::DisableExposed(Exposed {
        keys: BTreeSet::from([old()]),
        is_beside,
        request: "request".into(),
        asked_at: at(),
        since: at(),
        owed: true,
    })
}

fn leave(worked: BTreeSet<AccessKeyId>) -> Action {
    Action::Leave(Leave {
        worked,
        inactive: BTreeSet::new(),
        certificate: Some(super::certificate()),
    })
}

/// One action of each kind.
fn actions() -> Vec<Action> {
    let recipient = "D1A66E1A23B182C9980F788CFBFCC82A015E7330".parse().unwrap();
    let from = "alicia".parse().unwrap();
    vec![
        exposed(false),
        exposed(true),
        Action::DenySessions {
            request: "request".into(),
            asked_at: at(),
            since: at(),
        },
        Action::AllowSessions,
        leave(keys()),
        leave(BTreeSet::new()),
        Action::DenyLeaver,
        Action::TakeBack {
            keys: keys(),
            allows_sessions: true,
        },
        Action::TakeBack {
            keys: BTreeSet::new(),
            allows_sessions: false,
        },
        Action::DeleteExposed { key: old() },
        Action::DiscardOrphan {
            key: old(),
            proof: OrphanProof::Trail,
        },
        Action::DiscardOrphan {
            key: new(),
            proof: OrphanProof::Replaced,
        },
        Action::Withdraw {
            reason: Reason::Due,
            request: "request".into(),
            asked_at: at(),
        },
        Action::Owe {
            reason: Reason::Forced,
            request: "request".into(),
            asked_at: at(),
        },
        Action::Issue {
            reason: Reason::Due,
            request: None,
            existing_keys: keys(),
            recipient,
        },
        Action::Delete { key: old() },
        Action::SaveRestored { key: old() },
        Action::Restore { key: old() },
        Action::FollowRename { from },
        Action::Reprotect,
        Action::Revoke,
        Action::SaveLook,
        Action::DropIntent,
        Action::SaveCertificate,
        Action::Approve {
            certificate: super::another(),
        },
        Action::SaveProof { at: at() },
        Action::Close,
    ]
}

/// One end of a key of each kind.
fn ends() -> Vec<Action> {
    vec![
        Action::Disable {
            key: old(),
            stand_in: Some(new()),
            reason: DisableReason::NewKeyUsed,
        },
        Action::Disable {
            key: old(),
            stand_in: None,
            reason: DisableReason::Unused,
        },
        Action::Disable {
            key: old(),
            stand_in: None,
            reason: DisableReason::Unregistered,
        },
        Action::Disable {
            key: new(),
            stand_in: None,
            reason: DisableReason::Replaced,
        },
        Action::DiscardOrphan {
            key: new(),
            proof: OrphanProof::Replaced,
        },
    ]
}

/// One notice of each kind.
fn owner_notices() -> Vec<Action> {
    let notices = vec![
        warning(None, None),
        certificate_problem(Some(old())),
        super::issued(Reason::Due, keys(), false),
        OwnerNotice::WillBeDisabled {
            key: old(),
            at: at(),
            days: 3,
            last_use: last_use(),
        },
        OwnerNotice::WillBeRetired {
            key: old(),
            at: at(),
            days: 3,
            last_use: last_use(),
        },
        super::disabling(DisableReason::Deadline),
        super::exposed(OtherKey::None),
        OwnerNotice::SessionExposed {
            request: "request".into(),
        },
        OwnerNotice::Restored { key: old() },
        OwnerNotice::WillBeDeleted {
            key: old(),
            at: at(),
            days: 3,
        },
        OwnerNotice::NotFetched {
            key: new(),
            old: keys(),
        },
        OwnerNotice::NewCertificate {
            certificate: super::another(),
            replaces: Some(super::certificate()),
            counts_from: at(),
        },
        OwnerNotice::CertificateApproved {
            certificate: super::another(),
        },
        OwnerNotice::WillEndUnregistered {
            key: old(),
            at: at(),
            days: 3,
            reason: PROBLEM.into(),
        },
        OwnerNotice::Deleting { key: old() },
    ];
    notices.into_iter().map(Action::NotifyOwner).collect()
}

fn findings() -> Vec<FindingKind> {
    let (key, keys) = (old(), keys());
    let role = "arn:aws:iam::444455556666:role/deploy".parse().unwrap();
    vec![
        FindingKind::TwoActiveKeys { keys: keys.clone() },
        FindingKind::InactiveKeyInTheWay { key: key.clone() },
        FindingKind::NoCertificate {
            code: "expired".into(),
            reason: PROBLEM.into(),
        },
        FindingKind::Restored { key: key.clone() },
        FindingKind::NewKeyInactive { key: new() },
        unused(None, false),
        unused(Some(at()), true),
        unused(None, true),
        FindingKind::NewKeyUnused {
            key: new(),
            has_old_key: false,
            old_key_ends: None,
            reached: false,
        },
        FindingKind::NewCertificate {
            certificate: super::another(),
            replaces: Some(super::certificate()),
            stored_since: at(),
            counts_from: at(),
        },
        FindingKind::NothingToApprove {
            certificate: super::another(),
            why: format!("{} is pinned and stored", super::certificate()),
        },
        FindingKind::NoRoomForNewKey { keys: keys.clone() },
        FindingKind::UnprovenOrphan { keys },
        FindingKind::ExposedKey { key: key.clone() },
        FindingKind::OrphanInUse { key: key.clone() },
        FindingKind::OldKeyInUse {
            key: key.clone(),
            last_use: last_use().unwrap(),
        },
        FindingKind::RolesAssumed {
            roles: BTreeSet::from([role]),
            is_complete: false,
        },
        FindingKind::RolesAssumed {
            roles: BTreeSet::new(),
            is_complete: false,
        },
        FindingKind::ExposedNotRestored { key: key.clone() },
        FindingKind::NothingToRestore { key: key.clone() },
        FindingKind::NothingToDiscard { key },
        FindingKind::UnreadableRecord {
            why: "the stored record can't be read: a date in it is still to come".into(),
        },
    ]
}

fn outcome() -> AccountOutcome {
    AccountOutcome::waits(Plan::empty("111122223333".parse().unwrap()))
}

fn chain(done: Vec<Action>, failed: Vec<(Action, ApplyError)>) -> ChainOutcome {
    ChainOutcome {
        user: "alice".parse().unwrap(),
        done,
        failed,
        left: Vec::new(),
        record: StoredRecord::Absent,
    }
}

fn done() -> AccountOutcome {
    let mut done = actions();
    done.extend(ends());
    done.extend(owner_notices());
    AccountOutcome {
        chains: vec![chain(done, Vec::new())],
        ..outcome()
    }
}

fn denied() -> PortError {
    PortError::new(ErrorKind::Denied, "iam:UpdateAccessKey", "not authorized")
}

fn failed() -> AccountOutcome {
    let mut actions = actions();
    actions.extend(ends());
    actions.extend(owner_notices());
    let failed = actions
        .into_iter()
        .map(|action| (action, ApplyError::from(denied())))
        .collect();
    AccountOutcome {
        observe_error: Some(denied().to_string()),
        contained: vec![Contained {
            key: old(),
            owner: Ok(banto_ports::KeyOwner::User("alice".parse().unwrap())),
            disabled: Some(Err(denied())),
        }],
        chains: vec![chain(Vec::new(), failed)],
        ..outcome()
    }
}

fn refused() -> AccountOutcome {
    let breach = Breach::new("R1", "alice", "would be left without a usable key");
    AccountOutcome {
        breaches: vec![breach],
        ..outcome()
    }
}

fn unused(old_key_ends: Option<Timestamp>, reached: bool) -> FindingKind {
    FindingKind::NewKeyUnused {
        key: new(),
        has_old_key: true,
        old_key_ends,
        reached,
    }
}

/// Everything that can be found; again, if people were told weeks ago.
fn found(again: bool) -> AccountOutcome {
    let mut kinds = findings();
    kinds.retain(|kind| !again || kind.is_lasting());
    let findings = kinds.into_iter().map(|kind| Finding {
        user: "alice".parse().unwrap(),
        machine: matches!(kind, FindingKind::OldKeyInUse { .. }),
        notified: false,
        again,
        kind,
    });
    let plan = Plan {
        findings: findings.collect(),
        ..Plan::empty("111122223333".parse().unwrap())
    };
    AccountOutcome {
        plan: Some(plan),
        ..outcome()
    }
}

/// Somebody left, with all that a user can have, or with nothing.
fn left(has_all: bool) -> AccountOutcome {
    let key = |key, used, worked| LeftKey {
        key,
        created_at: at() - SignedDuration::from_hours(24 * 100),
        used,
        worked,
        deleted_at: at() + SignedDuration::from_hours(24 * 10),
    };
    let mut keys = vec![
        key(old(), Used::Last(last_use().unwrap()), true),
        key(new(), Used::Never, false),
        key(new(), Used::Unknown, true),
    ];
    keys.retain(|_| has_all);
    let stored_at = "s3://certificates/alice.asc".to_owned();
    let kind = FindingKind::Left {
        at: at(),
        keys,
        groups: has_all
            .then(|| "developers".parse().unwrap())
            .into_iter()
            .collect(),
        certificate: has_all.then(|| (super::certificate(), stored_at)),
        revokes: has_all,
    };
    let finding = Finding {
        user: "alice".parse().unwrap(),
        machine: false,
        notified: false,
        again: false,
        kind,
    };
    let plan = Plan {
        findings: vec![finding],
        ..Plan::empty("111122223333".parse().unwrap())
    };
    let ended = if has_all {
        self::keys()
    } else {
        BTreeSet::new()
    };
    AccountOutcome {
        plan: Some(plan),
        mode: Mode::Leave,
        chains: vec![chain(vec![leave(ended), Action::DenyLeaver], Vec::new())],
        ..outcome()
    }
}

/// A request that is not done, for these reasons.
fn left_alone(reasons: Vec<WaitReason>) -> AccountOutcome {
    let waiting = reasons.into_iter().map(|reason| Waiting {
        user: Some("alice".parse().unwrap()),
        reason,
    });
    let plan = Plan {
        waiting: waiting.collect(),
        ..Plan::empty("111122223333".parse().unwrap())
    };
    AccountOutcome {
        plan: Some(plan),
        mode: Mode::Force,
        ..outcome()
    }
}

/// The reasons that answer a request.
fn answers() -> Vec<WaitReason> {
    vec![
        WaitReason::KillSwitch,
        WaitReason::ExemptionEnds {
            at: at(),
            reason: "on leave".into(),
        },
        WaitReason::NotCovered,
        WaitReason::EarlierRotation { key: new() },
        WaitReason::Deletion { key: old() },
        WaitReason::Left { at: at() },
        WaitReason::PinGrace {
            certificate: super::another(),
            until: at(),
        },
    ]
}

/// The reasons that will pass.
fn hindrances() -> Vec<WaitReason> {
    let why = denied().to_string();
    vec![
        WaitReason::OtherRun,
        WaitReason::Iam { key: new() },
        WaitReason::Trail { why: why.clone() },
        WaitReason::Creation { keys: keys() },
        WaitReason::MadeKeys { keys: keys() },
        WaitReason::Usage { key: old() },
        WaitReason::CertificateStore { why },
    ]
}

fn strangers() -> Vec<Stranger> {
    let code = "AWS_RISK_CREDENTIALS_EXPOSED".to_owned();
    let session: SessionKeyId = "ASIAIOSFODNN7EXAMPLE".parse().unwrap();
    let other = "ASIAI44QH8DHBEXAMPLE".parse().unwrap();
    vec![
        Stranger::OtherAccount {
            account: "444455556666".parse().unwrap(),
            credential: (&old()).into(),
        },
        Stranger::OtherAccount {
            account: "444455556666".parse().unwrap(),
            credential: (&session).into(),
        },
        Stranger::RootKey { key: old() },
        Stranger::NoOwner { key: old() },
        Stranger::RoleSession {
            session,
            role: "arn:aws:iam::111122223333:role/deploy".parse().unwrap(),
        },
        Stranger::UnknownSession { session: other },
        Stranger::Unknown {
            code: code.clone(),
            what: "alice".into(),
        },
        Stranger::Nameless { code },
        Stranger::LeftAlone {
            credentials: BTreeSet::from([old().to_string()]),
        },
        Stranger::NoSuchUser {
            user: "alice".parse().unwrap(),
        },
        Stranger::NoRecord {
            secret: "banto/access-keys/alice".into(),
        },
    ]
}
