//! Requests to AWS Config in an account.

use std::collections::{BTreeMap, BTreeSet};

use banto_ports::{Channel, ChannelStatus, ErrorKind, Recorder, RecorderStatus, RecordingGroup};
use serde_json::json;

use crate::organization::region;
use crate::service::{Service, json_answer, json_error};

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
async fn a_type_with_a_frequency_of_its_own_is_in_the_one_override_that_aws_allows() {
    let types = |continuous| {
        ["AWS::EC2::Instance", "AWS::IAM::User"].map(|name| (name.to_owned(), continuous))
    };
    let odd = ("AWS::S3::Bucket".to_owned(), false);
    let mut recorder = recorder(RecordingGroup::All { with_global: true });
    // The bucket's frequency is the recorder's own, which needs no override.
    recorder.continuous_of = types(true).into_iter().chain([odd]).collect();
    let (service, member) = Service::member([(200, String::new())]).await;
    member
        .config
        .put_recorder(&region(), &recorder)
        .await
        .unwrap();
    let mode = service.asked()[1].json()["ConfigurationRecorder"]["recordingMode"].clone();
    let expected = json!({ "recordingFrequency": "DAILY", "recordingModeOverrides": [{
        "recordingFrequency": "CONTINUOUS", "resourceTypes": ["AWS::EC2::Instance", "AWS::IAM::User"],
    }] });
    assert_eq!(mode, expected);
    // Whoever wrote several is understood all the same.
    let each = |name: &str| json!({ "recordingFrequency": "CONTINUOUS", "resourceTypes": [name] });
    let overrides = [each("AWS::EC2::Instance"), each("AWS::IAM::User")];
    let live = json!({ "name": "banto", "roleARN": "r", "recordingMode": {
        "recordingFrequency": "DAILY", "recordingModeOverrides": overrides,
    } });
    let answer = json!({ "ConfigurationRecorders": [live] });
    let (_, member) = Service::member([json_answer(&answer)]).await;
    let recorders = member.config.recorders(&region()).await.unwrap();
    assert_eq!(
        recorders[0].recorder.continuous_of,
        BTreeMap::from(types(true))
    );
}

#[tokio::test]
async fn a_recorder_tells_whether_it_records_since_when_and_what_failed() {
    let recorders = json!({ "ConfigurationRecordersStatus": [
        { "name": "banto", "recording": true, "lastStatus": "FAILURE", "lastErrorCode": "AccessDenied", "lastErrorMessage": "in words", "lastStartTime": 1_795_482_000 },
        { "name": "new", "recording": false },
    ] });
    let (_, member) = Service::member([json_answer(&recorders)]).await;
    let statuses = member.config.recorder_statuses(&region()).await.unwrap();
    let failed = RecorderStatus {
        recording: true,
        started_at: Some("2026-11-24T01:00:00Z".parse().unwrap()),
        error: Some("AccessDenied: in words".into()),
    };
    let new = RecorderStatus {
        recording: false,
        started_at: None,
        error: None,
    };
    assert_eq!(
        statuses,
        BTreeMap::from([("banto".to_owned(), failed), ("new".to_owned(), new)])
    );
}

#[tokio::test]
async fn a_channel_tells_what_failed_and_when_a_snapshot_was_last_delivered() {
    let channels = json!({ "DeliveryChannelsStatus": [
        {
            "name": "failed", "configHistoryDeliveryInfo": { "lastStatus": "FAILURE", "lastErrorCode": "NoSuchBucket" },
            "configSnapshotDeliveryInfo": { "lastStatus": "Failure", "lastErrorCode": "AccessDenied", "lastAttemptTime": 1_795_582_000, "lastSuccessfulTime": 1_795_482_000 },
        },
        { "name": "new", "configSnapshotDeliveryInfo": { "lastStatus": "Not_Applicable" } },
        { "name": "silent", "configStreamDeliveryInfo": { "lastStatus": "FAILURE", "lastErrorMessage": "in words" } },
    ] });
    let (_, member) = Service::member([json_answer(&channels)]).await;
    let statuses = member.config.channel_statuses(&region()).await.unwrap();
    let status = |error: Option<&str>, last: Option<&str>| ChannelStatus {
        error: error.map(str::to_owned),
        last_snapshot: last.map(|at| at.parse().unwrap()),
    };
    let expected = [
        (
            "failed",
            status(Some("AccessDenied"), Some("2026-11-24T01:00:00Z")),
        ),
        ("new", status(None, None)),
        ("silent", status(Some("in words"), None)),
    ];
    let expected = expected.map(|(name, status)| (name.to_owned(), status));
    assert_eq!(statuses, BTreeMap::from(expected));
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
        ("InvalidSNSTopicARNException", ErrorKind::Invalid),
        ("InvalidS3KeyPrefixException", ErrorKind::Invalid),
        ("InvalidS3KmsKeyArnException", ErrorKind::Invalid),
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
        let error = member.config.put_channel(&region(), &channel).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind, kind, "{code}");
        // Those who read of it branch on the code.
        assert_eq!(error.message, format!("{code}: in words"));
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
