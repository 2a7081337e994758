//! What onboard-accounts asks.

use std::collections::BTreeSet;
use std::time::Duration;

use banto_aws::OrganizationClients;
use banto_domain::policy::{OnboardingPolicy, Policy};
use banto_domain::{AccountId, Region, RoleName};
use banto_ports::{
    AccountAccess, AccountClients, AccountState, Delayed, ErrorKind, NewRole, OrgPolicyKind,
    Organization, Queue, RoleChange, VpcPart,
};
use serde_json::{Value, json};

use crate::service::{Canned, Service, json_answer, json_error, xml, xml_error};

const POLICY: &str = include_str!("../../../../examples/banto.toml");
const SESSION_POLICY: &str =
    include_str!("../../../../functions/onboard-accounts/session-policy.json");

impl Service {
    pub(crate) fn organization(&self) -> OrganizationClients {
        self.aws().organization(&policy(), SESSION_POLICY)
    }

    /// Enters the account.
    pub(crate) async fn enter(&self) -> AccountClients {
        let access = self.organization().account_access;
        access.assume_role(&account()).await.unwrap()
    }

    /// Enters the account, and gives these answers to what is asked in it.
    pub(crate) async fn member(
        answers: impl IntoIterator<Item = Canned>,
    ) -> (Self, AccountClients) {
        let service = Self::answering([assumed()].into_iter().chain(answers));
        let member = service.enter().await;
        (service, member)
    }
}

fn policy() -> OnboardingPolicy {
    Policy::parse(POLICY).unwrap().onboarding.unwrap()
}

pub(crate) fn account() -> AccountId {
    "444455556666".parse().unwrap()
}

pub(crate) fn region() -> Region {
    "us-east-1".parse().unwrap()
}

fn admin() -> RoleName {
    "admin".parse().unwrap()
}

pub(crate) fn assumed() -> Canned {
    xml(
        "AssumeRole",
        "<Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
         <SessionToken>token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>",
    )
}

pub(crate) fn ec2(operation: &str, result: &str) -> Canned {
    let body = format!(
        "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">{result}</{operation}Response>"
    );
    (200, body)
}

pub(crate) fn ec2_error(status: u16, code: &str) -> Canned {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>in words</Message></Error></Errors></Response>"
    );
    (status, body)
}

/// An account in Organizations' answers.
fn listed(id: &str, rest: Value) -> Value {
    let mut account = json!({ "Id": id, "Name": "payments" });
    let rest = rest.as_object().unwrap().clone();
    account.as_object_mut().unwrap().extend(rest);
    account
}

#[tokio::test]
async fn accounts_are_listed_through_empty_pages_by_their_state_and_path() {
    let service = Service::answering([
        json_answer(&json!({ "Accounts": [], "NextToken": "more" })),
        json_answer(&json!({ "Accounts": [
            listed("444455556666", json!({
                "State": "ACTIVE", "JoinedTimestamp": 1_795_482_000, "JoinedMethod": "CREATED",
                "Paths": ["o-exampleorgid/r-ab12/ou-ab12-cdef3456/444455556666/"],
            })),
            listed("555566667777", json!({ "State": "PENDING_ACTIVATION", "Status": "ACTIVE", "JoinedMethod": "INVITED" })),
        ], "NextToken": "last" })),
        // A service that knows no State yet.
        json_answer(
            &json!({ "Accounts": [listed("666677778888", json!({ "Status": "SUSPENDED" }))] }),
        ),
    ]);
    let organization = service.organization().organization;
    let accounts = organization.accounts().await.unwrap();
    let states: Vec<AccountState> = accounts.iter().map(|account| account.state).collect();
    assert_eq!(
        states,
        [
            AccountState::Active,
            AccountState::PendingActivation,
            AccountState::Suspended
        ]
    );
    let created: Vec<bool> = accounts.iter().map(|account| account.was_created).collect();
    assert_eq!(created, [true, false, false]);
    let path = accounts[0].path.iter().map(banto_domain::OuId::as_str);
    assert_eq!(path.collect::<Vec<_>>(), ["r-ab12", "ou-ab12-cdef3456"]);
    assert_eq!(
        accounts[0].joined_at,
        Some("2026-11-24T01:00:00Z".parse().unwrap())
    );
    assert_eq!(service.asked()[2].json()["NextToken"], "last");
}

#[tokio::test]
async fn one_account_that_is_told_strangely_does_not_keep_the_others_from_being_listed() {
    let strange = listed(
        "444455556666",
        json!({ "State": "HIBERNATING", "Status": "ACTIVE" }),
    );
    let unreadable = listed("4444-5555", json!({ "State": "ACTIVE" }));
    let plain = listed("555566667777", json!({ "State": "ACTIVE" }));
    let service = Service::answering([
        json_answer(&json!({ "Accounts": [strange, unreadable, { "Name": "nameless" }, plain] })),
        json_answer(&json!({ "Account": strange })),
        json_answer(&json!({ "Account": unreadable })),
    ]);
    let organization = service.organization().organization;
    let accounts = organization.accounts().await.unwrap();
    let found: Vec<(&str, AccountState)> = accounts
        .iter()
        .map(|account| (account.id.as_str(), account.state))
        .collect();
    assert_eq!(
        found,
        [
            ("444455556666", AccountState::Unknown),
            ("555566667777", AccountState::Active)
        ]
    );
    let alone = organization.account(&account()).await.unwrap();
    assert_eq!(alone, accounts[0]);
    let error = organization.account(&account()).await.unwrap_err();
    assert_eq!(error.message, "the answer lacks an account's id");
}

#[tokio::test]
async fn an_account_that_is_asked_for_alone_has_its_path_and_how_it_joined() {
    let described = listed(
        "444455556666",
        json!({ "State": "ACTIVE", "JoinedMethod": "CREATED", "Paths": ["o-exampleorgid/r-ab12/444455556666/"] }),
    );
    let service = Service::answering([json_answer(&json!({ "Account": described }))]);
    let organization = service.organization().organization;
    let found = organization.account(&account()).await.unwrap();
    assert_eq!(found.path, ["r-ab12".parse().unwrap()]);
    assert!(found.was_created);
}

#[tokio::test]
async fn a_policy_that_holds_in_an_account_is_read_and_none_is_no_error() {
    let content = json!({ "s3_attributes": { "public_access_block_configuration": "all" } });
    let policy = |content: &str| {
        json_answer(
            &json!({ "EffectivePolicy": { "PolicyContent": content, "PolicyType": "S3_POLICY", "TargetId": "444455556666" } }),
        )
    };
    for (kind, name) in [
        (OrgPolicyKind::S3, "S3_POLICY"),
        (OrgPolicyKind::Ec2, "DECLARATIVE_POLICY_EC2"),
    ] {
        let service = Service::answering([
            policy(&content.to_string()),
            // No policy is attached, or their type is not enabled at all.
            json_error(400, "EffectivePolicyNotFoundException"),
            json_error(400, "TargetNotFoundException"),
            json_error(400, "AccessDeniedException"),
            policy("not JSON"),
        ]);
        let organization = service.organization().organization;
        let account = account();
        let found = organization.effective_policy(&account, kind).await;
        assert_eq!(found, Ok(Some(content.clone())));
        let asked = json!({ "PolicyType": name, "TargetId": "444455556666" });
        assert_eq!(service.asked()[0].json(), asked);
        assert_eq!(
            organization.effective_policy(&account, kind).await,
            Ok(None)
        );
        for expected in [
            ErrorKind::Missing,
            ErrorKind::Denied,
            ErrorKind::Unavailable,
        ] {
            let error = organization.effective_policy(&account, kind).await;
            assert_eq!(error.unwrap_err().kind, expected);
        }
    }
}

#[tokio::test]
async fn an_account_that_has_left_is_missing() {
    let service = Service::answering([json_error(400, "AccountNotFoundException")]);
    let error = service
        .organization()
        .organization
        .account(&account())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.call),
        (ErrorKind::Missing, "organizations:DescribeAccount")
    );
}

#[tokio::test]
async fn throttling_by_organizations_is_tried_again() {
    let described = json_answer(
        &json!({ "Account": { "Id": "444455556666", "Name": "payments", "State": "ACTIVE" } }),
    );
    let service = Service::answering([json_error(400, "TooManyRequestsException"), described]);
    assert_eq!(
        service
            .organization()
            .organization
            .account(&account())
            .await
            .unwrap()
            .name,
        "payments"
    );
}

#[tokio::test]
async fn parents_and_tags_are_read() {
    let service = Service::answering([
        json_answer(
            &json!({ "Parents": [{ "Id": "ou-ab12-cdef3456", "Type": "ORGANIZATIONAL_UNIT" }] }),
        ),
        json_answer(
            &json!({ "Tags": [{ "Key": "kind", "Value": "sandbox" }], "NextToken": "more" }),
        ),
        json_answer(&json!({ "Tags": [{ "Key": "team", "Value": "search" }] })),
    ]);
    let organization = service.organization().organization;
    assert_eq!(
        organization.parent("444455556666").await.unwrap(),
        Some("ou-ab12-cdef3456".parse().unwrap())
    );
    assert_eq!(organization.parent("r-ab12").await.unwrap(), None);
    assert_eq!(organization.tags(&account()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_account_is_tagged_and_moved_and_one_that_is_there_is_a_conflict() {
    let service = Service::answering([
        (200, String::new()),
        (200, String::new()),
        json_error(400, "DuplicateAccountException"),
    ]);
    let organization = service.organization().organization;
    organization
        .tag(
            &account(),
            &[("team".to_owned(), "search".to_owned())].into(),
        )
        .await
        .unwrap();
    let (from, to) = (
        "r-ab12".parse().unwrap(),
        "ou-ab12-cdef3456".parse().unwrap(),
    );
    organization.move_to(&account(), &from, &to).await.unwrap();
    assert_eq!(
        organization
            .move_to(&account(), &from, &to)
            .await
            .unwrap_err()
            .kind,
        ErrorKind::Conflict
    );
    let asked = service.asked();
    assert_eq!(
        asked[0].json()["Tags"],
        json!([{ "Key": "team", "Value": "search" }])
    );
    assert_eq!(asked[1].json()["DestinationParentId"], "ou-ab12-cdef3456");
}

#[tokio::test]
async fn an_account_is_entered_by_its_role_with_a_session_that_may_do_no_more_than_it_must() {
    let (service, _) = Service::member([]).await;
    let body = &service.asked()[0].body;
    assert!(
        body.contains(
            "RoleArn=arn%3Aaws%3Aiam%3A%3A444455556666%3Arole%2FOrganizationAccountAccessRole"
        ),
        "{body}"
    );
    assert!(
        body.contains("Policy=") && body.contains("iam%3ACreateRole"),
        "{body}"
    );
    // (IAM user guide, "Session policies".)
    assert!(SESSION_POLICY.len() <= 2_048);
    let service = Service::answering([xml_error(403, "AccessDenied")]);
    let error = service
        .organization()
        .account_access
        .assume_role(&account())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
}

#[tokio::test]
async fn calls_in_an_account_are_signed_with_its_session() {
    let (service, member) =
        Service::member([json_answer(&json!({ "ConfigurationRecorders": [] }))]).await;
    member.config.recorders(&region()).await.unwrap();
    let asked = &service.asked()[1];
    assert!(
        asked
            .header("authorization")
            .contains("ASIAIOSFODNN7EXAMPLE/"),
        "{}",
        asked.header("authorization")
    );
    assert!(
        asked.header("authorization").contains("/us-east-1/config/"),
        "{}",
        asked.header("authorization")
    );
    assert_eq!(asked.header("x-amz-security-token"), "token");
}

#[tokio::test]
async fn roles_that_concern_banto_are_read_with_their_decoded_policies_page_by_page() {
    let role = "<member><RoleName>admin</RoleName><Path>/</Path><RoleId>AROA1</RoleId>\
        <Arn>arn:aws:iam::444455556666:role/admin</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>\
        <AssumeRolePolicyDocument>%7B%22Statement%22%3A%5B%5D%7D</AssumeRolePolicyDocument>\
        <RolePolicyList><member><PolicyName>inline</PolicyName><PolicyDocument>%7B%7D</PolicyDocument></member></RolePolicyList>\
        <AttachedManagedPolicies><member><PolicyName>A</PolicyName><PolicyArn>arn:aws:iam::aws:policy/A</PolicyArn></member></AttachedManagedPolicies>\
        <PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType>\
        <PermissionsBoundaryArn>arn:aws:iam::aws:policy/B</PermissionsBoundaryArn></PermissionsBoundary>\
        <Tags><member><Key>banto:managed</Key><Value>true</Value></member></Tags></member>";
    let details = |roles: &str, more: &str| {
        xml(
            "GetAccountAuthorizationDetails",
            &format!("<RoleDetailList>{roles}</RoleDetailList>{more}"),
        )
    };
    let others = role
        .replace(">admin<", ">auditor<")
        .replace("banto:managed", "team");
    let listed = "<Roles><member><RoleName>admin</RoleName><Path>/</Path><RoleId>AROA1</RoleId>\
        <Arn>arn:aws:iam::444455556666:role/admin</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>\
        <MaxSessionDuration>14400</MaxSessionDuration></member></Roles><IsTruncated>false</IsTruncated>";
    let (_, member) = Service::member([
        details(
            &others,
            "<IsTruncated>true</IsTruncated><Marker>next</Marker>",
        ),
        details(role, "<IsTruncated>false</IsTruncated>"),
        xml("ListRoles", listed),
    ])
    .await;
    let roles = member.roles.all().await.unwrap();
    assert_eq!(roles.len(), 1, "an account may have thousands of others");
    assert_eq!(roles[0].trust, json!({ "Statement": [] }));
    assert_eq!(roles[0].inline_policies["inline"], json!({}));
    assert_eq!(
        roles[0].managed_policies,
        BTreeSet::from(["arn:aws:iam::aws:policy/A".to_owned()])
    );
    assert_eq!(
        roles[0].boundary.as_deref(),
        Some("arn:aws:iam::aws:policy/B")
    );
    assert_eq!(roles[0].tags["banto:managed"], "true");
    assert_eq!(
        member.roles.session_lengths().await.unwrap()[&admin()],
        14_400
    );
}

#[tokio::test]
async fn each_change_to_a_role_is_one_call() {
    let changes = [
        (RoleChange::Trust(json!({})), "UpdateAssumeRolePolicy"),
        (RoleChange::SessionSeconds(3_600), "UpdateRole"),
        (
            RoleChange::Attach("arn:aws:iam::aws:policy/A".into()),
            "AttachRolePolicy",
        ),
        (
            RoleChange::Detach("arn:aws:iam::aws:policy/A".into()),
            "DetachRolePolicy",
        ),
        (
            RoleChange::PutInline("a".into(), json!({})),
            "PutRolePolicy",
        ),
        (RoleChange::DeleteInline("a".into()), "DeleteRolePolicy"),
        (
            RoleChange::SetBoundary("arn:aws:iam::aws:policy/A".into()),
            "PutRolePermissionsBoundary",
        ),
        (RoleChange::RemoveBoundary, "DeleteRolePermissionsBoundary"),
        (
            RoleChange::Tag([("a".to_owned(), "b".to_owned())].into()),
            "TagRole",
        ),
    ];
    for (change, operation) in changes {
        let (service, member) = Service::member([xml(operation, "")]).await;
        member.roles.change(&admin(), &change).await.unwrap();
        assert_eq!(service.operations()[1], operation);
    }
}

#[tokio::test]
async fn a_role_is_made_with_everything_that_can_be_said_at_once() {
    let role = "<Role><RoleName>admin</RoleName><Path>/</Path><RoleId>AROA1</RoleId>\
        <Arn>arn:aws:iam::444455556666:role/admin</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>";
    let (service, member) = Service::member([
        xml("CreateRole", role),
        xml_error(409, "EntityAlreadyExists"),
    ])
    .await;
    let new = NewRole {
        description: "Everything".into(),
        trust: json!({ "Statement": [] }),
        session_seconds: 14_400,
        boundary: Some("arn:aws:iam::aws:policy/B".into()),
        tags: [("banto:managed".to_owned(), "being-made".to_owned())].into(),
    };
    member.roles.create(&admin(), &new).await.unwrap();
    let body = &service.asked()[1].body;
    for part in [
        "MaxSessionDuration=14400",
        "PermissionsBoundary=",
        "Tags.member.1.Key=banto%3Amanaged",
        "Description=Everything",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert_eq!(
        member.roles.create(&admin(), &new).await.unwrap_err().kind,
        ErrorKind::Conflict
    );
}

#[tokio::test]
async fn a_config_role_that_exists_is_a_conflict() {
    let taken = "<ErrorResponse><Error><Code>InvalidInput</Code><Message>Service role name AWSServiceRoleForConfig has been \
        taken in this account, please try a different suffix.</Message></Error></ErrorResponse>";
    let (_, member) = Service::member([(400, taken.to_owned())]).await;
    assert_eq!(
        member.roles.create_config_role().await.unwrap_err().kind,
        ErrorKind::Conflict
    );
}

#[tokio::test]
async fn ec2_is_asked_signed_and_tried_again_as_every_other_service() {
    let on = ec2(
        "GetEbsEncryptionByDefault",
        "<ebsEncryptionByDefault>true</ebsEncryptionByDefault>",
    );
    let (service, member) = Service::member([
        ec2_error(503, "RequestLimitExceeded"),
        (0, String::new()),
        on,
    ])
    .await;
    assert!(member.regions.ebs_encryption(&region()).await.unwrap());
    let asked = &service.asked()[3];
    assert_eq!(
        asked.body,
        "Action=GetEbsEncryptionByDefault&Version=2016-11-15"
    );
    assert!(
        asked
            .header("authorization")
            .contains("/us-east-1/ec2/aws4_request"),
        "{}",
        asked.header("authorization")
    );
    assert_eq!(asked.header("x-amz-security-token"), "token");
    assert!(
        asked.header("user-agent").contains("app/banto"),
        "{}",
        asked.header("user-agent")
    );
    for (code, kind) in [
        ("AuthFailure", ErrorKind::UnknownCaller),
        ("UnauthorizedOperation", ErrorKind::Denied),
    ] {
        let (_, member) = Service::member([ec2_error(403, code)]).await;
        let error = member.regions.encrypt_ebs(&region()).await.unwrap_err();
        assert_eq!(
            (error.kind, error.call),
            (kind, "ec2:EnableEbsEncryptionByDefault"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_parts_of_a_default_vpc_are_deleted_and_a_gateway_is_detached_first() {
    let (service, member) = Service::member([
        ec2("DeleteSubnet", "<return>true</return>"),
        ec2("DetachInternetGateway", "<return>true</return>"),
        ec2("DeleteInternetGateway", "<return>true</return>"),
        ec2("DeleteVpc", "<return>true</return>"),
    ])
    .await;
    let gateway = VpcPart::Gateway {
        id: "igw-1".into(),
        vpc: "vpc-1".into(),
    };
    for part in [
        VpcPart::Subnet("subnet-1".into()),
        gateway,
        VpcPart::Vpc("vpc-1".into()),
    ] {
        member
            .regions
            .delete_vpc_part(&region(), &part)
            .await
            .unwrap();
    }
    let operations = service.operations().split_off(1);
    assert_eq!(
        operations,
        [
            "DeleteSubnet",
            "DetachInternetGateway",
            "DeleteInternetGateway",
            "DeleteVpc"
        ]
    );
}

#[tokio::test]
async fn messages_are_sent_ten_at_a_time_and_one_that_is_not_taken_is_an_error() {
    let taken = json_answer(&json!({ "Successful": [], "Failed": [] }));
    let refused = json!({ "Successful": [], "Failed": [{ "Id": "0", "Code": "InternalError", "SenderFault": false }] });
    let service = Service::answering([taken.clone(), taken, json_answer(&refused)]);
    let queue = service.organization().queue;
    let message = |delay| Delayed {
        body: "{}".into(),
        delay: Duration::from_secs(delay),
        group: None,
    };
    queue
        .send(&(0..11).map(message).collect::<Vec<_>>())
        .await
        .unwrap();
    let sent: Vec<usize> = service
        .asked()
        .iter()
        .map(|asked| asked.json()["Entries"].as_array().unwrap().len())
        .collect();
    assert_eq!(sent, [10, 1]);
    assert_eq!(service.asked()[0].json()["Entries"][3]["DelaySeconds"], 3);
    assert_eq!(
        queue.send(&[message(5_000)]).await.unwrap_err().kind,
        ErrorKind::Unavailable
    );
    assert_eq!(service.asked()[2].json()["Entries"][0]["DelaySeconds"], 900);
}

#[tokio::test]
async fn a_message_goes_to_its_group_by_a_name_that_sqs_takes() {
    let taken = json_answer(&json!({ "Successful": [], "Failed": [] }));
    let too_long = "x".repeat(129);
    let names = [
        "111122223333",
        "payments:C024BE91L",
        "two words",
        "チーム",
        &too_long,
    ];
    let mut messages = vec![Delayed {
        body: "{}".into(),
        delay: Duration::ZERO,
        group: None,
    }];
    messages.extend(names.map(|name| Delayed {
        group: Some(name.to_owned()),
        ..messages[0].clone()
    }));
    let service = Service::answering([taken]);
    service.organization().queue.send(&messages).await.unwrap();
    let body = service.asked()[0].json();
    let entries = body["Entries"].as_array().unwrap();
    let groups: Vec<Option<&str>> = entries
        .iter()
        .map(|entry| entry.get("MessageGroupId").and_then(Value::as_str))
        .collect();
    assert_eq!(
        groups[..3],
        [None, Some("111122223333"), Some("payments:C024BE91L")]
    );
    // The others have names of their own, so that none waits for another.
    let others: BTreeSet<&str> = groups[3..].iter().flatten().copied().collect();
    assert_eq!(others.len(), 3, "{others:?}");
    for name in others {
        assert!(
            name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{name}"
        );
    }
}
