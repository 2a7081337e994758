//! Probes about users, roles, keys and sessions.

use serde_json::{Value, json};

use super::super::probe::{
    Account, Answers, Cost, Kind, Probe, Step, Verdict, Wait, elements, step,
};

fn probe(id: &'static str, steps: Vec<Step>, judge: fn(&Answers) -> Verdict) -> Probe {
    Probe {
        id,
        account: Account::Any,
        cost: Cost::Free,
        steps,
        judge,
    }
}

pub(super) fn probes() -> Vec<Probe> {
    vec![
        probe("sts-session-name", session_name(), session_name_holds),
        probe("session-denial", session_denial(), session_denial_holds),
        Probe {
            account: Account::Member,
            ..probe("sts-resource-org-id", resource_org(), resource_org_holds)
        },
        probe("sts-session-policy", session_policy(), session_policy_holds),
        Probe {
            cost: Cost::Keys,
            ..probe("kms-resource-aliases", aliases(), aliases_hold)
        },
        probe("iam-two-keys", two_keys(), two_keys_hold),
        probe("iam-tag-case", tag_case(), tag_case_holds),
        probe("iam-key-gone", key_gone(), key_gone_holds),
        probe("credential-report-comma", comma(), comma_holds),
    ]
}

/// A policy of these statements.
fn policy(statements: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// A user, with a policy and a key.
pub(super) fn user(statements: Value) -> Vec<Step> {
    vec![
        create_user("<<name>>"),
        step(
            "rights",
            "iam:PutUserPolicy",
            json!({"UserName": "<<name>>", "PolicyName": "probe", "PolicyDocument": policy(statements)}),
        ),
        create_key("key", "<<name>>"),
    ]
}

fn create_user(name: &'static str) -> Step {
    let arguments = json!({"UserName": name, "Tags.member.1.Key": "banto-probe", "Tags.member.1.Value": "<<name>>"});
    step("user", "iam:CreateUser", arguments).making(Kind::User, name)
}

fn create_key(step_name: &'static str, user: &str) -> Step {
    step(step_name, "iam:CreateAccessKey", json!({"UserName": user}))
}

/// A role that the account's own identities may assume where their policies let them.
fn role(condition: Value) -> Step {
    let mut trust = json!({"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::<<account>>:root"}});
    if let Some(trust) = trust.as_object_mut().filter(|_| !condition.is_null()) {
        trust.insert("Condition".to_owned(), condition);
    }
    let arguments = json!({
        "RoleName": "<<name>>", "AssumeRolePolicyDocument": policy(json!([trust])),
        "Tags.member.1.Key": "banto-probe", "Tags.member.1.Value": "<<name>>",
    });
    step("role", "iam:CreateRole", arguments).making(Kind::Role, "<<name>>")
}

fn role_policy(name: &'static str, document: &'static str, statements: Value) -> Step {
    step(
        name,
        "iam:PutRolePolicy",
        json!({"RoleName": "<<name>>", "PolicyName": document, "PolicyDocument": policy(statements)}),
    )
}

fn assume(name: &'static str, session: &str) -> Step {
    step(
        name,
        "sts:AssumeRole",
        json!({"RoleArn": "arn:aws:iam::<<account>>:role/<<name>>", "RoleSessionName": session}),
    )
}

fn may_assume() -> Value {
    json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}])
}

/// The denied call may only be judged when the other one is carried out, before it and after it.
fn allowed_and_denied(answers: &Answers, allowed: &[&str], denied: &[&str]) -> Verdict {
    let codes: Vec<String> = allowed
        .iter()
        .chain(denied)
        .map(|step| format!("{step}: {}", answers.code(step)))
        .collect();
    let evidence = codes.join(", ");
    if denied.iter().any(|step| answers.is_yes(step)) {
        return Verdict::Disproven(evidence);
    }
    if !allowed.iter().all(|step| answers.is_yes(step)) {
        return Verdict::Unclear(format!(
            "{evidence}: what is allowed must be carried out, too: if it never is, the fact is wrong"
        ));
    }
    if denied.iter().all(|step| answers.is_denied(step)) {
        return Verdict::Proven(evidence);
    }
    Verdict::Unclear(evidence)
}

fn session_name() -> Vec<Step> {
    let condition = json!({"StringEquals": {"sts:RoleSessionName": "${aws:username}"}});
    let mut steps = user(may_assume());
    steps.push(role(condition));
    steps.push(
        assume("own", "<<name>>")
            .by("key")
            .wait(Wait::Answered)
            .refusable(),
    );
    let other = assume("other", "somebody-else").by("key");
    steps.push(other.wait(Wait::StillRefused).refusable());
    steps.push(assume("own-again", "<<name>>").by("key").refusable());
    steps
}

fn session_name_holds(answers: &Answers) -> Verdict {
    allowed_and_denied(answers, &["own", "own-again"], &["other"])
}

fn session_denial() -> Vec<Step> {
    let list = |name, by| step(name, "iam:ListAccountAliases", json!({})).by(by);
    let denial = json!([{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {
        "StringLike": {"aws:userid": "*:alice"}, "DateLessThan": {"aws:TokenIssueTime": "<<now>>"},
    }}]);
    let mut steps = user(may_assume());
    steps.extend([
        role(Value::Null),
        role_policy(
            "allowed",
            "allowed",
            json!([{"Effect": "Allow", "Action": "iam:ListAccountAliases", "Resource": "*"}]),
        ),
        assume("alice", "alice").by("key").wait(Wait::Answered),
        assume("bob", "bob").by("key"),
        list("alice-before", "alice").wait(Wait::Answered),
        role_policy("denial", "denied", denial),
        list("alice-after", "alice").wait(Wait::Refused).refusable(),
        list("bob-after", "bob").refusable(),
        assume("alice-again", "alice").by("key").wait(Wait::Later),
        list("alice-later", "alice-again").refusable(),
    ]);
    steps
}

fn session_denial_holds(answers: &Answers) -> Verdict {
    let codes: Vec<String> = ["alice-after", "bob-after", "alice-later"]
        .iter()
        .map(|step| format!("{step}: {}", answers.code(step)))
        .collect();
    let held = answers.is_denied("alice-after");
    let spared = answers.is_yes("bob-after") && answers.is_yes("alice-later");
    Verdict::of(held && spared, codes.join(", "))
}

fn resource_org() -> Vec<Step> {
    let assume_in = |organization: &str| {
        json!([{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceOrgID": organization}}}])
    };
    let other = json!({"UserName": "<<name>>", "PolicyName": "probe",
        "PolicyDocument": policy(assume_in("o-notthisone"))});
    let mut steps = vec![step(
        "organization",
        "organizations:DescribeOrganization",
        json!({}),
    )];
    steps.extend(user(assume_in("<<organization:/Organization/Id>>")));
    steps.extend([
        role(Value::Null),
        assume("own", "probe")
            .by("key")
            .wait(Wait::Answered)
            .refusable(),
        step("change", "iam:PutUserPolicy", other),
        assume("other", "probe")
            .by("key")
            .wait(Wait::Refused)
            .refusable(),
    ]);
    steps
}

fn resource_org_holds(answers: &Answers) -> Verdict {
    allowed_and_denied(answers, &["own"], &["other"])
}

fn session_policy() -> Vec<Step> {
    let only = policy(json!([{"Effect": "Allow", "Resource": "*",
        "Action": ["iam:ListAccountAliases", "iam:ListUsers"]}]));
    let rights = json!([{"Effect": "Allow", "Resource": "*",
        "Action": ["iam:ListAccountAliases", "iam:ListRoles"]}]);
    let mut narrow = assume("session", "probe");
    if let Some(arguments) = narrow.arguments.as_object_mut() {
        arguments.insert("Policy".to_owned(), json!(only));
    }
    let mut steps = user(may_assume());
    steps.extend([
        role(Value::Null),
        role_policy("allowed", "allowed", rights),
        narrow.by("key").wait(Wait::Answered),
        step("both", "iam:ListAccountAliases", json!({}))
            .by("session")
            .wait(Wait::Answered)
            .refusable(),
        step("role-only", "iam:ListRoles", json!({}))
            .by("session")
            .wait(Wait::StillRefused)
            .refusable(),
        step("policy-only", "iam:ListUsers", json!({}))
            .by("session")
            .wait(Wait::StillRefused)
            .refusable(),
        step("both-again", "iam:ListAccountAliases", json!({}))
            .by("session")
            .refusable(),
    ]);
    steps
}

fn session_policy_holds(answers: &Answers) -> Verdict {
    allowed_and_denied(
        answers,
        &["both", "both-again"],
        &["role-only", "policy-only"],
    )
}

fn aliases() -> Vec<Step> {
    let key = |name| {
        let tag = json!([{"TagKey": "banto-probe", "TagValue": "<<name>>"}]);
        step(
            name,
            "kms:CreateKey",
            json!({"Description": "<<name>>", "Tags": tag}),
        )
    };
    let encrypt = |name, key: &str| {
        let arguments = json!({"KeyId": key, "Plaintext": "cHJvYmU="});
        step(name, "kms:Encrypt", arguments).by("key").refusable()
    };
    let rights = json!([{"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", "Condition": {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/<<name>>"}}}]);
    let alias =
        json!({"AliasName": "alias/<<name>>", "TargetKeyId": "<<named:/KeyMetadata/KeyId>>"});
    let mut steps = vec![
        key("named").making(Kind::Key, "<<named:/KeyMetadata/KeyId>>"),
        key("nameless").making(Kind::Key, "<<nameless:/KeyMetadata/KeyId>>"),
        step("alias", "kms:CreateAlias", alias).making(Kind::Alias, "alias/<<name>>"),
    ];
    steps.extend(user(rights));
    steps.push(encrypt("with-alias", "<<named:/KeyMetadata/KeyId>>").wait(Wait::Answered));
    let without = encrypt("without", "<<nameless:/KeyMetadata/KeyId>>");
    steps.push(without.wait(Wait::StillRefused));
    steps.push(encrypt("with-again", "<<named:/KeyMetadata/KeyId>>"));
    steps
}

fn aliases_hold(answers: &Answers) -> Verdict {
    allowed_and_denied(answers, &["with-alias", "with-again"], &["without"])
}

fn two_keys() -> Vec<Step> {
    let inactive = json!({"UserName": "<<name>>", "AccessKeyId": "<<first:AccessKeyId>>", "Status": "Inactive"});
    vec![
        create_user("<<name>>"),
        create_key("first", "<<name>>"),
        step("inactive", "iam:UpdateAccessKey", inactive),
        create_key("second", "<<name>>"),
        create_key("third", "<<name>>").refusable(),
    ]
}

fn two_keys_hold(answers: &Answers) -> Verdict {
    let code = answers.code("third");
    Verdict::of(
        matches!(code, "LimitExceeded" | "LimitExceededException"),
        format!("the third key: {code}"),
    )
}

fn tag_case() -> Vec<Step> {
    let tag = |name, key: &str, value: &str| {
        step(
            name,
            "iam:TagUser",
            json!({"UserName": "<<name>>", "Tags.member.1.Key": key, "Tags.member.1.Value": value}),
        )
    };
    vec![
        create_user("<<name>>"),
        tag("small", "banto:openpgp", "one"),
        tag("capital", "BANTO:OPENPGP", "two"),
        step("tags", "iam:ListUserTags", json!({"UserName": "<<name>>"})),
    ]
}

fn tag_case_holds(answers: &Answers) -> Verdict {
    let tags: Vec<&str> = elements(answers.text("tags"), "Key")
        .into_iter()
        .filter(|key| key.eq_ignore_ascii_case("banto:openpgp"))
        .collect();
    Verdict::of(
        tags == ["BANTO:OPENPGP"],
        format!("tags: {}", tags.join(", ")),
    )
}

fn key_gone() -> Vec<Step> {
    let of_key = |name, call| step(name, call, json!({"AccessKeyId": "<<key:AccessKeyId>>"}));
    let mut steps = vec![create_user("<<name>>"), create_key("key", "<<name>>")];
    steps.push(of_key("there", "iam:GetAccessKeyLastUsed").wait(Wait::Answered));
    steps.push(step(
        "deleted",
        "iam:DeleteAccessKey",
        json!({"UserName": "<<name>>", "AccessKeyId": "<<key:AccessKeyId>>"}),
    ));
    steps.push(
        of_key("gone", "iam:GetAccessKeyLastUsed")
            .wait(Wait::Refused)
            .deniable(),
    );
    steps
}

fn key_gone_holds(answers: &Answers) -> Verdict {
    let code = answers.code("gone");
    Verdict::of(
        code.starts_with("NoSuchEntity"),
        format!("a deleted key: {code}"),
    )
}

fn comma() -> Vec<Step> {
    vec![
        create_user("<<name>>,b"),
        step("generated", "iam:GenerateCredentialReport", json!({}))
            .wait(Wait::Until(|text| text.contains("COMPLETE"))),
        step("report", "iam:GetCredentialReport", json!({})).wait(Wait::Answered),
    ]
}

fn comma_holds(answers: &Answers) -> Verdict {
    use base64::Engine as _;
    let content = elements(answers.text("report"), "Content").concat();
    let content: String = content.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(content);
    let report = String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default();
    // Only the shape counts, and an old report may have the user of an earlier run.
    let row = report
        .lines()
        .find(|line| line.contains(super::super::made::PREFIX) && line.contains(",b"));
    let Some(row) = row else {
        return Verdict::Unclear(
            "the user is not in the report, which IAM keeps for four hours: run again later"
                .to_owned(),
        );
    };
    let quoted = row.starts_with('"') && row.contains(",b\",");
    let name = row.split_once(",b,arn:").map_or("", |(name, _)| name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let plain = !name.is_empty() && name.chars().all(is_plain);
    let evidence = if quoted {
        "the name is in quotes"
    } else {
        "the row begins with "
    };
    let shown: String = row.chars().take(if quoted { 0 } else { 24 }).collect();
    Verdict::of(quoted || plain, format!("{evidence}{shown}"))
}
