//! Whoever looks writes nothing: each way on which a function writes is tried on AWS's adapters.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use banto_aws::Aws;
use banto_domain::UserName;
use banto_domain::policy::Policy;
use banto_domain::record::Readers;
use banto_fake::PolicyText;
use banto_ports::{Delayed, NewObject, PortError, ReportStore as _, TopicMessage};

use super::{Means, accounts, notifier, onboarder};
use crate::session::Session;

/// A session at a local AWS that nobody plays, and which counts who comes.
fn session() -> (Session, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let aws = Aws::from_vars(|name| match name {
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_ACCESS_KEY_ID" => Some("AKIAIOSFODNN7EXAMPLE".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("s3cret".to_owned()),
        "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
        _ => None,
    });
    let session = Session {
        aws: aws.unwrap(),
        account: "111122223333".parse().unwrap(),
        arn: "arn:aws:iam::111122223333:user/olga".to_owned(),
    };
    (session, listener)
}

fn policy() -> Policy {
    let example = include_str!("../../../examples/banto.toml");
    Policy::parse(example).unwrap()
}

fn delayed() -> [Delayed; 1] {
    [Delayed {
        body: "{}".to_owned(),
        delay: Duration::ZERO,
        group: None,
    }]
}

/// The error that is no failure of AWS: nothing was sent.
fn not_sent(what: &str, tried: Result<(), PortError>) {
    let error = tried.unwrap_err().to_string();
    assert!(error.contains("this run only looks"), "{what}: {error}");
}

#[tokio::test]
async fn to_look_no_port_of_the_rotator_writes_and_no_request_is_sent() {
    let (session, listener) = session();
    let means = Means::to_look(&session, false).unwrap();
    let policy = PolicyText::least().parse();
    let all = accounts(&means, &policy).unwrap();
    let ports = &all[0].ports;
    let user: UserName = "alice".parse().unwrap();
    let key = "AKIAIOSFODNN7EXAMPLE".parse().unwrap();
    let keys = &ports.keys;
    not_sent("create", keys.create(&user).await.map(drop));
    for active in [true, false] {
        not_sent("status", keys.set_active(&user, &key, active).await);
    }
    not_sent("delete", keys.delete(&user, &key).await);
    not_sent("deny", ports.sessions.deny(&user).await);
    not_sent("allow", ports.sessions.allow(&user).await);
    let records = &ports.records;
    let token = "banto-record-version-00000000000000000000000000000001";
    not_sent("record", records.create(&user, "text", token).await);
    not_sent("version", records.write(&user, "text", token).await);
    not_sent("open", records.mark_open(&user).await);
    not_sent("closed", records.mark_closed(&user).await);
    let readers = Readers {
        owner: "arn:aws:iam::111122223333:user/alice".parse().unwrap(),
        role: policy.rotation.accounts[0].role.clone(),
        break_glass: None,
    };
    not_sent("readers", records.protect(&user, &readers).await);
    assert!(listener.accept().is_err(), "nobody came");
}

#[tokio::test]
async fn to_look_no_queue_table_bucket_or_topic_is_written_to() {
    let (session, listener) = session();
    let means = Means::to_look(&session, false).unwrap();
    let policy = policy();
    let onboarder = onboarder(&means, &policy).unwrap();
    not_sent("queue", onboarder.converge.queue.send(&delayed()).await);
    not_sent("page", onboarder.converge.dashboard.publish("{}").await);
    let notifier = notifier(&means, &policy).unwrap();
    let queues = &notifier.delivery_queue;
    not_sent("events", queues.events.send(&delayed()).await);
    not_sent("deliveries", queues.deliveries.send(&delayed()).await);
    let registry = &notifier.ingest_ports.registry;
    not_sent("route", registry.register_route("platform").await);
    not_sent("no route", registry.deregister_route("platform").await);
    let object = NewObject {
        key: "months/2026-10/summary.json".to_owned(),
        media_type: "application/json",
        encoding: None,
        body: b"{}".to_vec(),
    };
    let bucket = session.aws.reading_only().bucket("reports");
    not_sent("object", bucket.put(object.clone()).await);
    not_sent("new object", bucket.create(object).await);
    let message = TopicMessage {
        subject: "subject".to_owned(),
        body: "told".to_owned(),
        attributes: BTreeMap::new(),
    };
    let topic = "arn:aws:sns:eu-west-1:111122223333:operators"
        .parse()
        .unwrap();
    means.topics().publish(&topic, &message).await.unwrap();
    assert_eq!(means.told.messages().len(), 1);
    assert!(listener.accept().is_err(), "nobody came");
}

/// The same ways do send where the function acts: else the tests above would prove nothing.
#[tokio::test]
async fn to_act_a_write_is_sent() {
    let (session, listener) = session();
    let means = Means::to_act(&session, false).unwrap();
    let policy = PolicyText::least().parse();
    let all = accounts(&means, &policy).unwrap();
    let user = "alice".parse().unwrap();
    let write = all[0].ports.sessions.deny(&user);
    let comes = async {
        while listener.accept().is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Nobody answers: that somebody came is all that is asked.
    tokio::select! {
        () = comes => {}
        ended = write => panic!("nobody came: {ended:?}"),
    }
}
