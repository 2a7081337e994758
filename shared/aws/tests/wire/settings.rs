//! Requests about an account's settings.

use banto_domain::policy::onboarding::{Contact, ContactKind};
use banto_ports::{LivePasswordPolicy, RegionState};
use serde_json::json;

use crate::service::{Service, json_answer, json_error, xml, xml_error};

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
    let blocks = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
        <BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    let (service, member) = Service::member([
        (200, blocks.to_owned()),
        (200, String::new()),
        json_answer(&json!({ "AlternateContact": { "Name": "Alice", "Title": "Security", "EmailAddress": "a@example.com", "PhoneNumber": "1" } })),
        (200, String::new()),
    ])
    .await;
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
    assert_eq!(asked[1].header("x-amz-account-id"), "444455556666");
    assert!(
        asked[2]
            .body
            .contains("<RestrictPublicBuckets>true</RestrictPublicBuckets>"),
        "{}",
        asked[2].body
    );
    assert_eq!(asked[4].json()["AlternateContactType"], "SECURITY");
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

/// A policy as IAM tells it, and as it is asked for.
fn password_policies() -> [(LivePasswordPolicy, &'static str, &'static str); 3] {
    let strict = LivePasswordPolicy {
        minimum_length: 16,
        lowercase: true,
        uppercase: true,
        numbers: true,
        symbols: true,
        max_age_days: Some(365),
        reuse_prevention: Some(24),
        users_may_change: true,
        hard_expiry: true,
    };
    let mixed = LivePasswordPolicy {
        minimum_length: 8,
        uppercase: true,
        symbols: true,
        reuse_prevention: Some(3),
        ..LivePasswordPolicy::default()
    };
    let least = LivePasswordPolicy {
        minimum_length: 6,
        ..LivePasswordPolicy::default()
    };
    [
        (
            strict,
            "<MinimumPasswordLength>16</MinimumPasswordLength><RequireSymbols>true</RequireSymbols><RequireNumbers>true</RequireNumbers>\
             <RequireUppercaseCharacters>true</RequireUppercaseCharacters><RequireLowercaseCharacters>true</RequireLowercaseCharacters>\
             <AllowUsersToChangePassword>true</AllowUsersToChangePassword><ExpirePasswords>true</ExpirePasswords><MaxPasswordAge>365</MaxPasswordAge>\
             <PasswordReusePrevention>24</PasswordReusePrevention><HardExpiry>true</HardExpiry>",
            "AllowUsersToChangePassword=true HardExpiry=true MaxPasswordAge=365 MinimumPasswordLength=16 PasswordReusePrevention=24 \
             RequireLowercaseCharacters=true RequireNumbers=true RequireSymbols=true RequireUppercaseCharacters=true",
        ),
        (
            mixed,
            "<MinimumPasswordLength>8</MinimumPasswordLength><RequireSymbols>true</RequireSymbols><RequireNumbers>false</RequireNumbers>\
             <RequireUppercaseCharacters>true</RequireUppercaseCharacters><RequireLowercaseCharacters>false</RequireLowercaseCharacters>\
             <AllowUsersToChangePassword>false</AllowUsersToChangePassword><ExpirePasswords>false</ExpirePasswords><PasswordReusePrevention>3</PasswordReusePrevention>",
            "AllowUsersToChangePassword=false HardExpiry=false MinimumPasswordLength=8 PasswordReusePrevention=3 \
             RequireLowercaseCharacters=false RequireNumbers=false RequireSymbols=true RequireUppercaseCharacters=true",
        ),
        // IAM says nothing of what is at its default.
        (
            least,
            "",
            "AllowUsersToChangePassword=false HardExpiry=false MinimumPasswordLength=6 RequireLowercaseCharacters=false \
             RequireNumbers=false RequireSymbols=false RequireUppercaseCharacters=false",
        ),
    ]
}

#[tokio::test]
async fn a_password_policy_is_read_and_written_with_every_part() {
    for (policy, told, asked) in password_policies() {
        let told = format!("<PasswordPolicy>{told}</PasswordPolicy>");
        let (service, member) = Service::member([
            xml("GetAccountPasswordPolicy", &told),
            xml("UpdateAccountPasswordPolicy", ""),
        ])
        .await;
        let live = member.settings.password_policy().await;
        assert_eq!(live, Ok(Some(policy.clone())));
        member.settings.set_password_policy(&policy).await.unwrap();
        let mut fields: Vec<String> = service.asked()[2]
            .body
            .split('&')
            .map(str::to_owned)
            .collect();
        fields.retain(|field| !field.starts_with("Action=") && !field.starts_with("Version="));
        fields.sort();
        assert_eq!(fields.join(" "), asked);
    }
}
