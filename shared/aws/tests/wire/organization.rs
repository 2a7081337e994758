//! What onboard-accounts asks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use banto_aws::OrganizationClients;
use banto_domain::policy::onboarding::{Contact, ContactKind, PasswordPolicy};
use banto_domain::policy::{OnboardingPolicy, Policy};
use banto_domain::status::{AccountStatus, Condition};
use banto_domain::{AccountId, PerPlace, Region, RoleName};
use banto_ports::{
    AccountAccess, AccountClients, AccountState, AccountStatuses, Channel, Dashboard, DefaultVpc,
    Delayed, ErrorKind, NewRole, Organization, Queue, Recorder, RecordingGroup, RegionState,
    RoleChange, StackInstance, StackInstances, VpcPart,
};
use serde_json::{Value, json};

use crate::service::{Canned, Service, json_answer, json_error, xml, xml_error};

const POLICY: &str = include_str!("../../../../examples/banto.toml");
const SESSION_POLICY: &str =
    include_str!("../../../../functions/onboard-accounts/session-policy.json");

impl Service {
    fn organization(&self) -> OrganizationClients {
        self.aws().organization(&policy(), SESSION_POLICY)
    }

    /// Enters the account, then forgets that it did.
    async fn member(answers: impl IntoIterator<Item = Canned>) -> (Self, AccountClients) {
        let service = Self::answering([assumed()].into_iter().chain(answers));
        let member = service
            .organization()
            .account_access
            .assume_role(&account())
            .await
            .unwrap();
        (service, member)
    }
}

fn policy() -> OnboardingPolicy {
    Policy::parse(POLICY).unwrap().onboarding.unwrap()
}

fn account() -> AccountId {
    "444455556666".parse().unwrap()
}

fn region() -> Region {
    "us-east-1".parse().unwrap()
}

fn admin() -> RoleName {
    "admin".parse().unwrap()
}

fn assumed() -> Canned {
    xml(
        "AssumeRole",
        "<Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
         <SessionToken>token</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>",
    )
}

fn ec2(operation: &str, result: &str) -> Canned {
    let body = format!(
        "<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">{result}</{operation}Response>"
    );
    (200, body)
}

fn ec2_error(status: u16, code: &str) -> Canned {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>in words</Message></Error></Errors></Response>"
    );
    (status, body)
}

#[tokio::test]
async fn accounts_are_listed_through_empty_pages_by_their_state_and_path() {
    let account = |id: &str, rest: Value| {
        let mut account = json!({ "Id": id, "Name": "payments" });
        account
            .as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        account
    };
    let service = Service::answering([
        json_answer(&json!({ "Accounts": [], "NextToken": "more" })),
        json_answer(&json!({ "Accounts": [
            account("444455556666", json!({
                "State": "ACTIVE", "JoinedTimestamp": 1_795_482_000,
                "Paths": ["o-exampleorgid/r-ab12/ou-ab12-cdef3456/444455556666/"],
            })),
            account("555566667777", json!({ "State": "PENDING_ACTIVATION", "Status": "ACTIVE" })),
        ], "NextToken": "last" })),
        // A service that knows no State yet.
        json_answer(
            &json!({ "Accounts": [account("666677778888", json!({ "Status": "SUSPENDED" }))] }),
        ),
    ]);
    let accounts = service
        .organization()
        .organization
        .accounts()
        .await
        .unwrap();
    let states: Vec<AccountState> = accounts.iter().map(|account| account.state).collect();
    assert_eq!(
        states,
        [
            AccountState::Active,
            AccountState::PendingActivation,
            AccountState::Suspended
        ]
    );
    let path: Vec<&str> = accounts[0]
        .path
        .iter()
        .map(banto_domain::OuId::as_str)
        .collect();
    assert_eq!(path, ["r-ab12", "ou-ab12-cdef3456"]);
    assert_eq!(
        accounts[0].joined_at,
        Some("2026-11-24T01:00:00Z".parse().unwrap())
    );
    assert_eq!(service.asked()[2].json()["NextToken"], "last");
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
async fn roles_are_read_with_their_decoded_policies_page_by_page() {
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
    let listed = "<Roles><member><RoleName>admin</RoleName><Path>/</Path><RoleId>AROA1</RoleId>\
        <Arn>arn:aws:iam::444455556666:role/admin</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>\
        <MaxSessionDuration>14400</MaxSessionDuration></member></Roles><IsTruncated>false</IsTruncated>";
    let (_, member) = Service::member([
        details("", "<IsTruncated>true</IsTruncated><Marker>next</Marker>"),
        details(role, "<IsTruncated>false</IsTruncated>"),
        xml("ListRoles", listed),
    ])
    .await;
    let roles = member.roles.all().await.unwrap();
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
    let role = "<Role><RoleName>AWSServiceRoleForConfig</RoleName><Path>/</Path><RoleId>AROA1</RoleId>\
        <Arn>arn:aws:iam::444455556666:role/x</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>";
    let (_, member) = Service::member([xml("GetRole", role), xml_error(404, "NoSuchEntity")]).await;
    assert_eq!(
        (
            member.roles.has_config_role().await,
            member.roles.has_config_role().await
        ),
        (Ok(true), Ok(false))
    );
}

#[tokio::test]
async fn settings_that_were_never_made_are_none_and_not_errors() {
    let (_, member) = Service::member([
        xml_error(404, "NoSuchEntity"),
        xml_error(404, "NoSuchPublicAccessBlockConfiguration"),
        json_error(404, "ResourceNotFoundException"),
    ])
    .await;
    assert_eq!(member.settings.password_policy().await, Ok(None));
    assert_eq!(member.settings.public_access_blocks().await, Ok(None));
    assert_eq!(
        member.settings.contact(ContactKind::Security).await,
        Ok(None)
    );
}

#[tokio::test]
async fn settings_are_read_and_written() {
    let contact = Contact {
        name: "Alice".into(),
        title: "Security".into(),
        email: "a@example.com".into(),
        phone: "1".into(),
    };
    let policy = PasswordPolicy {
        minimum_length: 16,
        all_character_kinds: true,
        max_age_days: Some(365),
        reuse_prevention: None,
    };
    let live = "<PasswordPolicy><MinimumPasswordLength>16</MinimumPasswordLength><RequireSymbols>true</RequireSymbols>\
        <RequireNumbers>true</RequireNumbers><RequireUppercaseCharacters>true</RequireUppercaseCharacters>\
        <RequireLowercaseCharacters>true</RequireLowercaseCharacters><ExpirePasswords>true</ExpirePasswords>\
        <MaxPasswordAge>365</MaxPasswordAge></PasswordPolicy>";
    let blocks = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
        <BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    let (service, member) = Service::member([
        xml("GetAccountPasswordPolicy", live),
        xml("UpdateAccountPasswordPolicy", ""),
        (200, blocks.to_owned()),
        (200, String::new()),
        json_answer(&json!({ "AlternateContact": { "Name": "Alice", "Title": "Security", "EmailAddress": "a@example.com", "PhoneNumber": "1" } })),
        (200, String::new()),
    ])
    .await;
    assert_eq!(
        member.settings.password_policy().await,
        Ok(Some(policy.clone()))
    );
    member.settings.set_password_policy(&policy).await.unwrap();
    assert_eq!(member.settings.public_access_blocks().await, Ok(Some(3)));
    member.settings.block_public_access().await.unwrap();
    assert_eq!(
        member.settings.contact(ContactKind::Security).await,
        Ok(Some(contact.clone()))
    );
    member
        .settings
        .set_contact(ContactKind::Security, &contact)
        .await
        .unwrap();
    let asked = service.asked();
    assert!(
        asked[2].body.contains("AllowUsersToChangePassword=true")
            && asked[2].body.contains("MaxPasswordAge=365")
    );
    assert_eq!(asked[3].header("x-amz-account-id"), "444455556666");
    assert!(
        asked[4]
            .body
            .contains("<RestrictPublicBuckets>true</RestrictPublicBuckets>"),
        "{}",
        asked[4].body
    );
    assert_eq!(asked[6].json()["AlternateContactType"], "SECURITY");
}

#[tokio::test]
async fn regions_are_read_by_what_the_account_can_use() {
    let region =
        |name: &str, status: &str| json!({ "RegionName": name, "RegionOptStatus": status });
    let page = json!({ "Regions": [
        region("us-east-1", "ENABLED_BY_DEFAULT"), region("ap-east-1", "ENABLED"), region("af-south-1", "ENABLING"),
        region("eu-south-1", "DISABLING"), region("me-south-1", "DISABLED"),
    ] });
    let (_, member) = Service::member([json_answer(&page)]).await;
    let regions = member.settings.regions().await.unwrap();
    let states: Vec<RegionState> = regions.values().copied().collect();
    use RegionState::{Disabled, Enabled, Enabling};
    assert_eq!(states, [Enabling, Enabled, Disabled, Disabled, Enabled]);
}

fn recorder(group: RecordingGroup) -> Recorder {
    Recorder {
        name: "banto".into(),
        role: "arn:aws:iam::444455556666:role/config".into(),
        group,
        continuous: false,
        continuous_of: [("AWS::IAM::User".to_owned(), true)].into(),
    }
}

#[tokio::test]
async fn a_recorder_is_read_as_it_was_written_whatever_it_records() {
    let set = |name: &str| BTreeSet::from([name.to_owned()]);
    for group in [
        RecordingGroup::All { with_global: true },
        RecordingGroup::Only(set("AWS::EC2::Instance")),
        RecordingGroup::AllBut(set("AWS::EC2::NetworkInterface")),
    ] {
        let (service, member) = Service::member([(200, String::new())]).await;
        member
            .config
            .put_recorder(&region(), &recorder(group.clone()))
            .await
            .unwrap();
        let written = service.asked()[1].json()["ConfigurationRecorder"].clone();
        let (_, member) =
            Service::member([json_answer(&json!({ "ConfigurationRecorders": [written] }))]).await;
        assert_eq!(
            member.config.recorders(&region()).await.unwrap()[0].recorder,
            recorder(group)
        );
    }
}

#[tokio::test]
async fn a_services_own_recorder_is_known_as_such() {
    let linked = json!({ "name": "AWSConfigurationRecorderForX", "roleARN": "r", "servicePrincipal": "x.amazonaws.com" });
    let (_, member) =
        Service::member([json_answer(&json!({ "ConfigurationRecorders": [linked] }))]).await;
    let recorders = member.config.recorders(&region()).await.unwrap();
    assert_eq!(recorders[0].service.as_deref(), Some("x.amazonaws.com"));
}

#[tokio::test]
async fn what_a_recorder_and_a_channel_report_is_read() {
    let recorders = json!({ "ConfigurationRecordersStatus": [
        { "name": "banto", "recording": true, "lastStatus": "Failure", "lastErrorCode": "AccessDenied", "lastErrorMessage": "in words", "lastStartTime": 1 },
        { "name": "new", "recording": false },
    ] });
    let channels = json!({ "DeliveryChannelsStatus": [
        { "name": "banto", "configHistoryDeliveryInfo": { "lastStatus": "Failure", "lastErrorCode": "NoSuchBucket" } },
        { "name": "new", "configSnapshotDeliveryInfo": { "lastStatus": "Not_Applicable" } },
    ] });
    let (_, member) = Service::member([json_answer(&recorders), json_answer(&channels)]).await;
    let statuses = member.config.recorder_statuses(&region()).await.unwrap();
    assert_eq!(
        statuses["banto"].error.as_deref(),
        Some("AccessDenied: in words")
    );
    assert!(statuses["banto"].was_started && !statuses["new"].was_started);
    let errors = member.config.channel_errors(&region()).await.unwrap();
    assert_eq!(
        errors,
        BTreeMap::from([
            ("banto".to_owned(), Some("NoSuchBucket".to_owned())),
            ("new".to_owned(), None)
        ])
    );
}

#[tokio::test]
async fn a_channel_is_read_as_it_was_written_and_each_refusal_is_told_apart() {
    let channel = Channel {
        name: "banto".into(),
        bucket: "log-archive".into(),
        prefix: Some("o-exampleorgid".into()),
        kms_key: None,
        topic: None,
        snapshots: Some("Six_Hours".into()),
    };
    let (service, member) = Service::member([(200, String::new())]).await;
    member
        .config
        .put_channel(&region(), &channel)
        .await
        .unwrap();
    let written = service.asked()[1].json()["DeliveryChannel"].clone();
    for (code, kind) in [
        ("InsufficientDeliveryPolicyException", ErrorKind::Invalid),
        ("NoSuchBucketException", ErrorKind::Missing),
        (
            "NoAvailableConfigurationRecorderException",
            ErrorKind::NotReady,
        ),
        ("SubscriptionRequiredException", ErrorKind::NotReady),
        ("OptInRequired", ErrorKind::NotReady),
        ("InvalidRoleException", ErrorKind::NotReady),
        ("AccessDeniedException", ErrorKind::Denied),
        ("UnrecognizedClientException", ErrorKind::UnknownCaller),
        ("ThrottlingException", ErrorKind::Throttled),
    ] {
        let (_, member) = Service::member(std::iter::repeat_n(json_error(400, code), 5)).await;
        assert_eq!(
            member
                .config
                .put_channel(&region(), &channel)
                .await
                .unwrap_err()
                .kind,
            kind,
            "{code}"
        );
    }
    let (_, member) =
        Service::member([json_answer(&json!({ "DeliveryChannels": [written] }))]).await;
    assert_eq!(member.config.channels(&region()).await.unwrap(), [channel]);
}

#[tokio::test]
async fn a_recorder_is_started_by_its_name() {
    let (service, member) = Service::member([(200, String::new())]).await;
    member.config.start(&region(), "default").await.unwrap();
    assert_eq!(
        service.asked()[1].json(),
        json!({ "ConfigurationRecorderName": "default" })
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
async fn a_default_vpc_is_read_with_what_is_in_it_and_what_people_put_there() {
    let set = |name: &str, items: &str| format!("<requestId>x</requestId><{name}>{items}</{name}>");
    let (service, member) = Service::member([
        ec2("DescribeVpcs", &set("vpcSet", "<item><vpcId>vpc-1</vpcId><isDefault>true</isDefault></item>")),
        ec2("DescribeNetworkInterfaces", &set("networkInterfaceSet", "")),
        ec2("DescribeSubnets", &set("subnetSet", "<item><subnetId>subnet-1</subnetId><defaultForAz>true</defaultForAz></item><item><subnetId>subnet-2</subnetId><defaultForAz>false</defaultForAz></item>")),
        ec2("DescribeSubnets", &set("subnetSet", "<item><subnetId>subnet-1</subnetId><defaultForAz>true</defaultForAz></item><item><subnetId>subnet-2</subnetId><defaultForAz>false</defaultForAz></item>")),
        ec2("DescribeInternetGateways", &set("internetGatewaySet", "<item><internetGatewayId>igw-1</internetGatewayId></item>")),
        ec2("DescribeSecurityGroups", &set("securityGroupInfo", "")),
        ec2("DescribeRouteTables", &set("routeTableSet", "<item><routeTableId>rtb-1</routeTableId><associationSet><item><main>true</main></item></associationSet></item><item><routeTableId>rtb-2</routeTableId></item>")),
        ec2("DescribeVpcEndpoints", &set("vpcEndpointSet", "")),
    ])
    .await;
    let vpc = member.regions.default_vpc(&region()).await.unwrap();
    let expected = DefaultVpc {
        id: "vpc-1".into(),
        interfaces: 0,
        subnets: vec!["subnet-1".into()],
        gateways: vec!["igw-1".into()],
        foreign: vec!["rtb-2".into(), "subnet-2".into()],
    };
    assert_eq!(vpc, Some(expected));
    assert!(
        service.asked()[2]
            .body
            .contains("Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1"),
        "{}",
        service.asked()[2].body
    );
    let (_, member) = Service::member([ec2("DescribeVpcs", &set("vpcSet", ""))]).await;
    assert_eq!(member.regions.default_vpc(&region()).await.unwrap(), None);
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
async fn stack_instances_are_read_with_the_reason_of_each_failure() {
    let summary = |region: &str, status: &str, detailed: &str, drift: &str| {
        format!(
            "<member><Region>{region}</Region><Account>444455556666</Account><Status>{status}</Status><DriftStatus>{drift}</DriftStatus>\
             <StatusReason>in words</StatusReason><StackInstanceStatus><DetailedStatus>{detailed}</DetailedStatus></StackInstanceStatus></member>"
        )
    };
    let summaries = [
        summary("ap-east-1", "CURRENT", "SUCCEEDED", "IN_SYNC"),
        summary("ap-south-1", "CURRENT", "SUCCEEDED", "DRIFTED"),
        summary("eu-north-1", "OUTDATED", "RUNNING", "NOT_CHECKED"),
        summary("eu-west-1", "OUTDATED", "FAILED", "NOT_CHECKED"),
        summary("us-east-1", "INOPERABLE", "INOPERABLE", "NOT_CHECKED"),
    ];
    let service = Service::answering([xml(
        "ListStackInstances",
        &format!("<Summaries>{}</Summaries>", summaries.concat()),
    )]);
    let instances = service
        .organization()
        .stacks
        .list(&account())
        .await
        .unwrap();
    let found: Vec<StackInstance> = instances.into_values().collect();
    use StackInstance::{Current, Drifted, Failed, Inoperable, Pending};
    assert_eq!(
        found,
        [
            Current,
            Drifted,
            Pending,
            Failed("in words".into()),
            Inoperable("in words".into())
        ]
    );
    let body = &service.asked()[0].body;
    assert!(
        body.contains("StackInstanceAccount=444455556666") && body.contains("CallAs=SELF"),
        "{body}"
    );
}

#[tokio::test]
async fn instances_are_made_for_several_accounts_in_one_operation_and_another_operation_is_a_wait()
{
    let service = Service::answering([
        xml("CreateStackInstances", "<OperationId>1</OperationId>"),
        xml("UpdateStackInstances", "<OperationId>2</OperationId>"),
        xml_error(409, "OperationInProgressException"),
    ]);
    let stacks = service.organization().stacks;
    let accounts = [account(), "555566667777".parse().unwrap()];
    stacks.create(&accounts, &[region()]).await.unwrap();
    stacks.update(&accounts, &[region()]).await.unwrap();
    let body = &service.asked()[0].body;
    for part in [
        "DeploymentTargets.Accounts.member.2=555566667777",
        "DeploymentTargets.OrganizationalUnitIds.member.1=r-ab12",
        "DeploymentTargets.AccountFilterType=INTERSECTION",
        "OperationPreferences.FailureTolerancePercentage=100",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert_eq!(
        stacks
            .create(&accounts, &[region()])
            .await
            .unwrap_err()
            .kind,
        ErrorKind::NotReady
    );
}

#[tokio::test]
async fn an_operation_on_instances_whose_answer_was_lost_is_begun_once() {
    let exists = xml_error(409, "OperationIdAlreadyExistsException");
    let service = Service::answering([(0, String::new()), exists]);
    service
        .organization()
        .stacks
        .create(&[account()], &[region()])
        .await
        .unwrap();
    let asked = service.asked();
    let id = |body: &str| {
        body.split('&')
            .find_map(|field| field.strip_prefix("OperationId=").map(str::to_owned))
    };
    assert_eq!(id(&asked[0].body), id(&asked[1].body));
    assert_eq!(id(&asked[0].body).unwrap().len(), 32);
}

#[tokio::test]
async fn stack_instances_are_read_page_by_page() {
    let page = |region: &str, token: &str| {
        let summary = format!("<member><Region>{region}</Region><Status>CURRENT</Status></member>");
        xml(
            "ListStackInstances",
            &format!("<Summaries>{summary}</Summaries>{token}"),
        )
    };
    let service = Service::answering([
        page("eu-west-1", "<NextToken>a+b/c=</NextToken>"),
        page("us-east-1", ""),
    ]);
    let instances = service
        .organization()
        .stacks
        .list(&account())
        .await
        .unwrap();
    assert_eq!(instances.len(), 2);
    assert!(
        service.asked()[1].body.ends_with("&NextToken=a%2Bb%2Fc%3D"),
        "{}",
        service.asked()[1].body
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

fn in_place() -> AccountStatus {
    AccountStatus {
        account: account(),
        name: "payments".into(),
        checked_at: "2026-11-24T01:00:00Z".parse().unwrap(),
        conditions: PerPlace {
            account: Condition::InPlace,
            regions: [(region(), Condition::InPlace)].into(),
        },
    }
}

#[tokio::test]
async fn a_status_is_saved_beside_the_last_notice_and_answers_with_the_previous_one() {
    let document = serde_json::to_string(&in_place()).unwrap();
    let old = json!({ "Attributes": { "account": { "S": "444455556666" }, "status": { "S": document }, "lastNotified": { "S": "ready" }, "version": { "N": "1" } } });
    let service = Service::answering([
        json_answer(&old),
        json_answer(&json!({})),
        json_answer(&json!({})),
        json_answer(&json!({})),
    ]);
    let statuses = service.organization().statuses;
    let before = statuses.save_status(&in_place()).await.unwrap();
    assert_eq!(
        (before.status, before.last_notified.as_deref()),
        (Some(in_place()), Some("ready"))
    );
    assert_eq!(
        statuses.save_status(&in_place()).await.unwrap(),
        banto_ports::PreviousStatus::default()
    );
    statuses
        .save_last_notified(&account(), "ready")
        .await
        .unwrap();
    statuses.delete(&account()).await.unwrap();
    let asked = service.asked();
    assert_eq!(
        asked[0].json()["UpdateExpression"],
        "SET #attribute = :value, #version = :version"
    );
    assert_eq!(
        asked[0].json()["ExpressionAttributeNames"]["#attribute"],
        "status"
    );
    assert_eq!(
        asked[0].json()["ConditionExpression"],
        "attribute_not_exists(account) OR #version = :version"
    );
    assert_eq!(
        asked[0].json()["ExpressionAttributeValues"][":version"],
        json!({ "N": "1" })
    );
    assert_eq!(asked[0].json()["ReturnValues"], "ALL_OLD");
    assert_eq!(
        asked[2].json()["ExpressionAttributeNames"]["#attribute"],
        "lastNotified"
    );
    assert_eq!(
        asked[3].json()["Key"],
        json!({ "account": { "S": "444455556666" } })
    );
}

#[tokio::test]
async fn an_item_of_another_version_is_neither_read_nor_overwritten() {
    let refusal = |item: &Value| {
        let body = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "message": "The conditional request failed",
            "Item": item,
        });
        (400, body.to_string())
    };
    for (version, says) in [
        (
            json!({ "version": { "N": "2" } }),
            "has version 2; this Banto knows version 1",
        ),
        (json!({ "status": { "S": "{}" } }), "has no version"),
    ] {
        let scan = json_answer(&json!({ "Items": [version] }));
        let service = Service::answering([refusal(&version), refusal(&version), scan]);
        let statuses = service.organization().statuses;
        let errors = [
            statuses.save_status(&in_place()).await.unwrap_err(),
            statuses
                .save_last_notified(&account(), "ready")
                .await
                .unwrap_err(),
            statuses.all().await.unwrap_err(),
        ];
        for error in errors {
            assert!(error.message.contains(says), "{error}");
        }
    }
}

#[tokio::test]
async fn all_statuses_are_read_page_by_page_and_published_as_one_object() {
    let item = json!({ "account": { "S": "444455556666" }, "status": { "S": serde_json::to_string(&in_place()).unwrap() }, "version": { "N": "1" } });
    let notified_only = json!({ "account": { "S": "555566667777" }, "lastNotified": { "S": "ready" }, "version": { "N": "1" } });
    let service = Service::answering([
        json_answer(
            &json!({ "Items": [item], "LastEvaluatedKey": { "account": { "S": "444455556666" } } }),
        ),
        json_answer(&json!({ "Items": [notified_only] })),
        (200, String::new()),
    ]);
    let clients = service.organization();
    assert_eq!(clients.statuses.all().await.unwrap(), [in_place()]);
    clients.dashboard.publish("{}").await.unwrap();
    let put = &service.asked()[2];
    assert!(
        put.line
            .starts_with("PUT /banto-dashboard-999988887777/accounts.json"),
        "{}",
        put.line
    );
    assert_eq!(
        (put.header("content-type"), put.body.as_str()),
        ("application/json", "{}")
    );
}
