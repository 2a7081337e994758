//! Developers with due keys, each at a desk of their own, and the function before them.

use std::time::Duration;

use banto::local::queue::Queue;
use banto_domain::percent_encoded;
use banto_fake::PolicyText;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::super::local::{Local, REGION};
use super::desk::Desk;

pub const BUCKET: &str = "certificates";

/// Time that an invocation may take: the longest that Lambda allows, since a run begins nothing
/// that it may have no time to end.
const PATIENCE: Duration = Duration::from_mins(15);

/// What owners are told by SNS comes here.
const INBOX: &str = "inbox";

pub struct Person {
    pub name: &'static str,
    pub desk: Desk,
}

pub struct Town {
    pub local: Local,
    pub people: Vec<Person>,
    policy: PolicyText,
    requests: Queue,
    inbox: String,
}

/// A message to an owner, as SNS delivers it.
#[derive(Debug, Clone)]
pub struct Letter {
    pub user: String,
    pub body: String,
}

impl Letter {
    pub fn commands(&self) -> Vec<&str> {
        commands_in(&self.body)
    }
}

/// The commands of a message, a line each, as they are printed.
pub fn commands_in(message: &str) -> Vec<&str> {
    let lines = message.lines();
    lines.filter_map(|line| line.strip_prefix("    ")).collect()
}

impl Town {
    /// People of these names, each with a key of 100 days and no certificate.
    pub async fn of(names: &[&'static str], prefix: &str) -> Self {
        let local = Local::of("rotate-access-keys").await;
        let (aws, moto, now) = (&local.aws, &local.moto, local.now);
        aws.create_bucket(BUCKET).await.unwrap();
        aws.create_denial_of_sessions().await.unwrap();
        let requests = Queue::create(aws, "banto-rotation").await.unwrap();
        let revocations = Queue::create(aws, "banto-accounts").await.unwrap();
        let lines = format!("revocations = \"{}\"", revocations.url);
        let role = format!("assume = false\ncertificate_prefix = \"{prefix}\"\nrole = ");
        let policy = local.least_policy().await.with("role = ", &role);
        let policy = policy.with_lines("rotation", &lines);
        let inbox = subscribe(&local).await;
        let long_ago = now - SignedDuration::from_hours(24 * 100);
        moto.set_clock(long_ago).await.unwrap();
        let mut people = Vec::new();
        for name in names {
            let desk = Desk::before(&local);
            aws.create_user(name, "/developers/", &[]).await.unwrap();
            let key = aws.create_access_key(name).await.unwrap();
            desk.take_key(&key.access_key_id, &key.secret_access_key);
            people.push(Person { name, desk });
        }
        moto.set_clock(now).await.unwrap();
        Self {
            local,
            people,
            policy,
            requests,
            inbox,
        }
    }

    /// The text of the policy.
    pub fn policy(&self) -> String {
        self.policy.to_string()
    }

    /// Runs the function by schedule, and returns what owners were told.
    pub async fn run(&self) -> Vec<Letter> {
        let event = json!({ "source": "aws.events", "detail-type": "Scheduled Event" });
        let mut function = self.local.start(&self.policy).await.unwrap();
        let answer = function.invoke(&event, PATIENCE).await;
        let log = function.stop().await;
        let log = String::from_utf8_lossy(&log);
        let answer = answer.unwrap();
        assert_eq!(answer["accounts"][0]["failures"], json!([]), "{log}");
        self.letters().await
    }

    /// Hands the function requests by its queue until all are done, and returns what owners were
    /// told.
    pub async fn ask(&mut self, requests: &[Value]) -> Vec<Letter> {
        self.requests.send(requests).await.unwrap();
        let mut letters = Vec::new();
        // More than a request needs that meets no fault.
        for _ in 0..5 {
            let mut function = self.local.start(&self.policy).await.unwrap();
            let worked = self.requests.work_off(&mut function, PATIENCE).await;
            function.stop().await;
            worked.unwrap();
            letters.extend(self.letters().await);
            if self.requests.waiting().await.unwrap() == 0 {
                break;
            }
            self.local.advance(SignedDuration::from_mins(16)).await;
        }
        assert_eq!(self.requests.waiting().await.unwrap(), 0);
        letters
    }

    pub async fn advance_days(&mut self, days: i64) {
        let days = SignedDuration::from_hours(24 * days);
        self.local.advance(days).await;
    }

    /// Does the same at every desk, at all of them at a time, and returns what came of it.
    pub fn at_each<T: Send>(&self, act: impl Fn(&Person) -> T + Sync) -> Vec<T> {
        let act = &act;
        std::thread::scope(|scope| {
            let people = self.people.iter();
            let started: Vec<_> = people.map(|one| scope.spawn(move || act(one))).collect();
            let ended = started.into_iter().map(|thread| thread.join().unwrap());
            ended.collect()
        })
    }

    /// The text of a person's certificate in the bucket.
    pub async fn stored(&self, key: &str) -> String {
        let key = percent_encoded(key).replace("%2F", "/");
        self.local.aws.object(BUCKET, &key).await.unwrap()
    }

    /// The value of a user's tag.
    pub async fn tag(&self, user: &str, tag: &str) -> Option<String> {
        let user = [("UserName", user)];
        let answer = self.local.aws.iam("ListUserTags", &user).await.unwrap();
        let (_, value) = answer.split_once(&format!("<Key>{tag}</Key>"))?;
        let (_, value) = value.split_once("<Value>")?;
        let (value, _) = value.split_once("</Value>")?;
        Some(value.to_owned())
    }

    /// What came since the last look.
    async fn letters(&self) -> Vec<Letter> {
        let mut letters = Vec::new();
        loop {
            let ask = json!({
                "QueueUrl": self.inbox,
                "MaxNumberOfMessages": 10,
                "MessageAttributeNames": ["All"],
                "VisibilityTimeout": 43_200,
            });
            let answer = self
                .local
                .aws
                .json("sqs", "AmazonSQS", "ReceiveMessage", &ask);
            let answer = answer.await.unwrap();
            let Some(messages) = answer["Messages"].as_array() else {
                return letters;
            };
            for message in messages {
                let gone =
                    json!({ "QueueUrl": self.inbox, "ReceiptHandle": message["ReceiptHandle"] });
                let deleted = self
                    .local
                    .aws
                    .json("sqs", "AmazonSQS", "DeleteMessage", &gone);
                deleted.await.unwrap();
                let user = &message["MessageAttributes"]["user"]["StringValue"];
                letters.push(Letter {
                    user: user.as_str().unwrap().to_owned(),
                    body: message["Body"].as_str().unwrap().to_owned(),
                });
            }
        }
    }
}

/// Subscribes a queue to what owners are told, and answers its URL.
async fn subscribe(local: &Local) -> String {
    let queue = Queue::create(&local.aws, INBOX).await.unwrap();
    let account = super::super::local::ACCOUNT;
    let (topic, arn) = (
        format!("arn:aws:sns:{REGION}:{account}:owners"),
        format!("arn:aws:sqs:{REGION}:{account}:{INBOX}"),
    );
    let subscription = [
        ("TopicArn", topic.as_str()),
        ("Protocol", "sqs"),
        ("Endpoint", &arn),
        ("Attributes.entry.1.key", "RawMessageDelivery"),
        ("Attributes.entry.1.value", "true"),
    ];
    let subscribed = local
        .aws
        .query("sns", "2010-03-31", "Subscribe", &subscription);
    subscribed.await.unwrap();
    queue.url
}
