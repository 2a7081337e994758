//! Faults of the ways to people: secrets, Slack, mail, topics.

use serde_json::json;

use super::super::super::check::{Level, Topic};
use super::super::{IDENTITY, LOG_ARCHIVE};
use super::{Fault, fault};

pub(super) fn of_secrets() -> Vec<Fault> {
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Secrets, Level::Error);
    let (describe, policy) = (
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetResourcePolicy",
    );
    let stranger = json!({"ResourcePolicy": json!({"Statement": {
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "secretsmanager:Get*", "Resource": "*",
    }}).to_string()});
    let everybody = json!({"ResourcePolicy": json!({"Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": ["secretsmanager:GetSecretValue"], "Resource": "*",
    }]}).to_string()});
    let bound = |key: &str, to: &str| {
        json!({"ResourcePolicy": json!({"Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue",
            "Resource": "*", "Condition": {"StringEquals": {key: to}},
        }]}).to_string()})
    };
    let other_organization = bound("aws:PrincipalOrgID", "o-someoneelse");
    let other_account = bound("aws:PrincipalAccount", "123456789012");
    let other_role = bound("aws:PrincipalArn", "arn:aws:iam::123456789012:role/any");
    let token = "banto/slack/token";
    let bad = |id, answer| fault(id, at, answer, topic, error);
    vec![
        bad("stranger-reads", (policy, token, Ok(stranger))),
        bad("everybody-reads", (policy, token, Ok(everybody))),
        bad(
            "other-organization-reads",
            (policy, token, Ok(other_organization)),
        ),
        bad("other-account-reads", (policy, token, Ok(other_account))),
        bad("other-role-reads", (policy, token, Ok(other_role))),
        bad("secret-empty", (describe, token, Ok(json!({})))),
        bad(
            "secret-deleted",
            (describe, token, Ok(json!({"DeletedDate": 1.5e9}))),
        ),
        fault(
            "record-open",
            IDENTITY,
            (policy, "banto/access-keys/alice", Ok(json!({}))),
            topic,
            error,
        ),
    ]
}

pub(super) fn of_slack() -> Vec<Fault> {
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Slack, Level::Error);
    let (test, history) = ("slack:auth.test", "slack:conversations.history");
    let no = |word: &str| Ok(json!({"ok": false, "error": word}));
    let few = json!({"ok": true, "scopes": "chat:write,users:read"});
    vec![
        fault(
            "token-revoked",
            at,
            (test, "", no("token_revoked")),
            topic,
            error,
        ),
        fault("scope-missing", at, (test, "", Ok(few)), topic, error),
        fault(
            "scopes-unknown",
            at,
            (test, "", Ok(json!({"ok": true, "scopes": null}))),
            topic,
            Level::Blind,
        ),
        fault(
            "channel-missing",
            at,
            (history, "C024BE91L", no("channel_not_found")),
            topic,
            error,
        ),
        fault(
            "not-in-channel",
            at,
            (history, "C024BE91L", no("not_in_channel")),
            topic,
            error,
        ),
        fault(
            "channel-archived",
            at,
            (history, "C024BE91L", no("is_archived")),
            topic,
            error,
        ),
    ]
}

pub(super) fn of_mail_and_topics() -> Vec<Fault> {
    let (at, topic, error) = (LOG_ARCHIVE, Topic::Mail, Level::Error);
    let (identity, account) = ("ses:GetEmailIdentity", "ses:GetAccount");
    let pending = json!({"VerifiedForSendingStatus": false});
    let unsigned = json!({
        "VerifiedForSendingStatus": true, "DkimAttributes": {"Status": "FAILED"},
    });
    let sandbox = json!({"SendingEnabled": true, "ProductionAccessEnabled": false});
    let paused = json!({"SendingEnabled": false, "ProductionAccessEnabled": true});
    let unconfirmed = json!(
        "<Subscriptions><member><SubscriptionArn>PendingConfirmation</SubscriptionArn>\
         <Protocol>email</Protocol><Endpoint>sre@example.com</Endpoint></member></Subscriptions>"
    );
    let hook = json!(
        "<Subscriptions><member><SubscriptionArn>PendingConfirmation</SubscriptionArn>\
         <Protocol>https</Protocol><Endpoint>https://bot:hush@hooks.example.com/hush?key=hush&amp;to=all\
         </Endpoint></member></Subscriptions>"
    );
    let (list, subscriptions) = ("sns:ListSubscriptionsByTopic", Topic::Subscriptions);
    let bad = |id, answer| fault(id, at, answer, topic, error);
    vec![
        bad("sender-unknown", (identity, "", Err("NotFoundException"))),
        bad("sender-unverified", (identity, "", Ok(pending))),
        fault(
            "sender-unsigned",
            at,
            (identity, "", Ok(unsigned)),
            topic,
            Level::Warning,
        ),
        bad("sandbox", (account, "", Ok(sandbox))),
        bad("mail-paused", (account, "", Ok(paused))),
        fault(
            "unconfirmed",
            at,
            (list, "banto-operators", Ok(unconfirmed)),
            subscriptions,
            Level::Warning,
        ),
        fault(
            "unconfirmed-address",
            at,
            (list, "banto-operators", Ok(hook)),
            subscriptions,
            Level::Warning,
        ),
        fault(
            "nobody-subscribed",
            at,
            (list, "banto-operators", Ok(json!("<r/>"))),
            subscriptions,
            Level::Warning,
        ),
        fault(
            "no-alarm-topic",
            at,
            (list, "banto-alarms", Err("NotFound")),
            subscriptions,
            Level::Note,
        ),
    ]
}
