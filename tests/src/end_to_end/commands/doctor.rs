//! An operator finds and mends what is not in order, by `banto doctor` alone.

use std::sync::Arc;
use std::time::Duration;

use banto::local::aws::Aws;
use banto::local::function_binary;
use banto::local::moto::Moto;
use banto::local::organization::{Organization, config};
use banto::local::proxy::{Fault, Proxy, Rule};
use banto::local::queue::Queue;
use banto::local::slack::{Slack, TOKEN};
use banto::local::venv::Venv;
use banto_fake::PolicyText;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::local::{ACCOUNT, REGION};
use super::desk::{Desk, lacks};

const SQS: &str = "AmazonSQS";
/// The recorder's bucket, as the Organization's policy has it.
const ARCHIVE: &str = "banto-log-archive";
const FUNCTIONS: [&str; 2] = ["banto-rotate-access-keys", "banto-onboard-accounts"];

/// An account in which everything runs, and an operator before it.
struct Office {
    desk: Arc<Desk>,
    aws: Aws,
    requests: Queue,
    _moto: Moto,
    proxy: Proxy,
    _slack: Slack,
}

/// A desk at which there is the command, too.
async fn with_banto(mut desk: Desk) -> Desk {
    let banto = function_binary("banto", &|_| {}).await.unwrap();
    std::os::unix::fs::symlink(banto, desk.path("bin/banto")).unwrap();
    desk.region = REGION;
    desk
}

/// An account, and a desk with an administrator's credentials before it.
struct Account {
    desk: Desk,
    aws: Aws,
    // It ends when it is dropped.
    moto: Moto,
    proxy: Proxy,
}

impl Account {
    async fn open() -> Self {
        let venv = Venv::ensure(&|_| {}).await.unwrap();
        let moto = Moto::start(&venv).await.unwrap();
        let proxy = Proxy::start(moto.endpoint()).await.unwrap();
        let nobody = Aws::nobody(moto.endpoint(), REGION);
        let role = format!("arn:aws:iam::{ACCOUNT}:role/admin");
        let credentials = nobody.assume_role(&role).await.unwrap();
        let aws = nobody.with_key(&credentials.access_key_id);
        let mut desk = with_banto(Desk::at(&proxy.endpoint(), &venv)).await;
        desk.variables = vec![
            ("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone()),
            (
                "AWS_SECRET_ACCESS_KEY",
                credentials.secret_access_key.to_string(),
            ),
            (
                "AWS_SESSION_TOKEN",
                credentials.session_token.clone().unwrap(),
            ),
        ];
        Self {
            desk,
            aws,
            moto,
            proxy,
        }
    }
}

/// Runs a command while the proxy, which is of this thread, goes on.
async fn end(desk: &Arc<Desk>, command: &str) -> (Option<i32>, String, String) {
    let (desk, command) = (desk.clone(), command.to_owned());
    let ended = tokio::task::spawn_blocking(move || desk.end(&command));
    ended.await.unwrap()
}

impl Office {
    async fn open() -> Self {
        let Account {
            mut desk,
            aws,
            moto,
            proxy,
        } = Account::open().await;
        let slack = Slack::start().await.unwrap();
        desk.variables.push(("SLACK_API_URL", slack.api_url()));
        let requests = Queue::create(&aws, "banto-rotation").await.unwrap();
        let office = Self {
            desk: Arc::new(desk),
            aws,
            requests,
            _moto: moto,
            proxy,
            _slack: slack,
        };
        office.furnish().await;
        office.answer_for_the_rest();
        office
    }

    /// Makes what the modules make, as far as doctor looks at it.
    async fn furnish(&self) {
        let aws = &self.aws;
        let organization = Organization::create(aws).await.unwrap();
        for service in [
            "config.amazonaws.com",
            "config-multiaccountsetup.amazonaws.com",
        ] {
            let trust = json!({"ServicePrincipal": service});
            self.organizations("EnableAWSServiceAccess", &trust).await;
        }
        aws.create_bucket("certificates").await.unwrap();
        self.record().await;
        for function in FUNCTIONS {
            let failed = json!({"QueueName": format!("{function}-failed")});
            aws.json("sqs", SQS, "CreateQueue", &failed).await.unwrap();
            self.schedule(function).await;
        }
        for topic in ["operators", "owners", "banto-alarms"] {
            let arn = aws.create_topic(topic).await.unwrap();
            let queue = [
                ("TopicArn", arn.as_str()),
                ("Protocol", "sqs"),
                (
                    "Endpoint",
                    &format!("arn:aws:sqs:{REGION}:{ACCOUNT}:banto-rotation"),
                ),
            ];
            aws.query("sns", "2010-03-31", "Subscribe", &queue)
                .await
                .unwrap();
        }
        let mut policy = PolicyText::least()
            .with("role = ", "assume = false\nrole = ")
            .and(&organization.policy_section(ACCOUNT, &[REGION]))
            .and("[notices.slack]\n");
        for (secret, value) in [
            ("operators", "https://example.com"),
            ("owners", "https://example.com"),
            ("token", TOKEN),
        ] {
            let arn = aws
                .create_secret(&format!("banto/slack/{secret}"), value)
                .await
                .unwrap();
            policy = policy.with_lines("notices.slack", &format!("{secret} = \"{arn}\""));
        }
        self.desk.write("banto.toml", &policy.to_string());
    }

    async fn organizations(&self, operation: &str, input: &Value) {
        let target = "AWSOrganizationsV20161128";
        let asked = self.aws.json("organizations", target, operation, input);
        asked.await.unwrap();
    }

    /// Makes the recorder, its channel and the bucket, and starts it.
    async fn record(&self) {
        let aws = &self.aws;
        aws.create_bucket(ARCHIVE).await.unwrap();
        let role = format!("arn:aws:iam::{ACCOUNT}:role/config");
        let recorder = json!({"ConfigurationRecorder": {
            "name": "banto", "roleARN": role, "recordingGroup": {"allSupported": true},
        }});
        config(aws, "PutConfigurationRecorder", &recorder)
            .await
            .unwrap();
        let channel = json!({"DeliveryChannel": {"name": "banto", "s3BucketName": ARCHIVE}});
        config(aws, "PutDeliveryChannel", &channel).await.unwrap();
        let start = json!({"ConfigurationRecorderName": "banto"});
        config(aws, "StartConfigurationRecorder", &start)
            .await
            .unwrap();
    }

    /// A schedule that has just run.
    async fn schedule(&self, function: &str) {
        let target = format!(
            "{{\"Arn\": \"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}\", \
             \"RoleArn\": \"arn:aws:iam::{ACCOUNT}:role/schedule\"}}"
        );
        self.run(&format!(
            "aws scheduler create-schedule-group --name {function} && \
             aws scheduler create-schedule --group-name {function} --name daily \
             --schedule-expression 'rate(1 day)' --flexible-time-window Mode=OFF --target '{target}'"
        ))
        .await;
        let now = Timestamp::now().strftime("%FT%TZ").to_string();
        let ran = [
            ("Namespace", "AWS/Scheduler"),
            ("MetricData.member.1.MetricName", "InvocationAttemptCount"),
            ("MetricData.member.1.Value", "1"),
            ("MetricData.member.1.Timestamp", &now),
            (
                "MetricData.member.1.Dimensions.member.1.Name",
                "ScheduleGroup",
            ),
            ("MetricData.member.1.Dimensions.member.1.Value", function),
        ];
        let put = self
            .aws
            .query("monitoring", "2010-08-01", "PutMetricData", &ran);
        put.await.unwrap();
    }

    /// Answers for what the local AWS lacks: it makes functions from containers only, and lists no
    /// recorders.
    fn answer_for_the_rest(&self) {
        let queues = ["banto-rotation", "banto-accounts"];
        let mappings = queues.map(|queue| {
            let source = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}");
            json!({"State": "Enabled", "EventSourceArn": source})
        });
        // Both calls of Lambda look to the proxy like reading an object.
        self.proxy.answer(
            "lambda:GetObject",
            json!({
                "State": "Active", "LastUpdateStatus": "Successful",
                "EventSourceMappings": mappings,
            }),
        );
        let none = json!({"ConfigurationRecorderSummaries": []});
        self.proxy.answer("config:ListConfigurationRecorders", none);
    }

    /// Runs a command that must succeed.
    async fn run(&self, command: &str) {
        let (code, said, complaint) = end(&self.desk, command).await;
        assert_eq!(code, Some(0), "{command}\n{said}{complaint}");
    }

    /// What the doctor says, and its exit code.
    async fn doctor(&self) -> (Option<i32>, String) {
        let (code, said, complaint) = end(&self.desk, "banto doctor").await;
        assert_eq!(complaint, "", "{said}");
        (code, said)
    }
}

/// The commands of a screen, each in one line.
fn commands(screen: &str) -> Vec<String> {
    let joined = screen.replace(" \\\n", " ");
    let commands = joined
        .lines()
        .filter_map(|line| line.strip_prefix("           "));
    commands
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

#[tokio::test]
async fn three_troubles_are_found_by_the_doctor_and_mended_by_what_it_says() {
    if lacks("bash") {
        return;
    }
    let office = Office::open().await;
    let (code, said) = office.doctor().await;
    assert_eq!(code, Some(0), "{said}");

    // Two requests were given up; somebody let a stranger read a secret, and stopped the recorder.
    for user in ["alice", "bob"] {
        let url = format!("{}-dead", office.requests.url);
        let body = json!({"users": [user], "mode": "force"}).to_string();
        let letter = json!({"QueueUrl": url, "MessageBody": body});
        let sent = office.aws.json("sqs", SQS, "SendMessage", &letter);
        sent.await.unwrap();
    }
    let open = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "secretsmanager:GetSecretValue", "Resource": "*",
    }]});
    let open = json!({"SecretId": "banto/slack/operators", "ResourcePolicy": open.to_string()});
    office
        .aws
        .secrets_manager("PutResourcePolicy", &open)
        .await
        .unwrap();
    let stop = json!({"ConfigurationRecorderName": "banto"});
    config(&office.aws, "StopConfigurationRecorder", &stop)
        .await
        .unwrap();

    let (code, said) = office.doctor().await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("3 errors, "), "{said}");
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "dead letter queue banto-rotation-dead: 2 messages",
        "secret banto/slack/operators: its policy lets others read it: arn:aws:iam::123456789012:root",
        "Banto's recorder is stopped",
    ] {
        assert!(flat.contains(words), "{words}: {said}");
    }

    // The local AWS redrives nothing, so that of the two ways they are deleted. The AWS CLI asks the
    // host of a queue's URL, which is not the local AWS: both steps are made without it.
    let commands = commands(&said);
    let printed = |begins: &str| {
        let command = commands.iter().find(|own| own.starts_with(begins));
        command
            .unwrap_or_else(|| panic!("{begins}: {said}"))
            .clone()
    };
    for (begins, operation) in [
        ("aws sqs receive-message --queue-url ", "ReceiveMessage"),
        ("aws sqs purge-queue --queue-url ", "PurgeQueue"),
    ] {
        let command = printed(begins);
        let url = command
            .strip_prefix(begins)
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        let queue = url.rsplit_once(".amazonaws.com/").unwrap().1;
        assert_eq!(queue, format!("{ACCOUNT}/banto-rotation-dead"));
        let own = json!({"QueueUrl": format!("{}-dead", office.requests.url)});
        let asked = office.aws.json("sqs", SQS, operation, &own);
        asked.await.unwrap();
    }
    for begins in [
        "aws secretsmanager delete-resource-policy ",
        "aws configservice start-configuration-recorder ",
    ] {
        office.run(&printed(begins)).await;
    }
    let (code, said) = office.doctor().await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test]
async fn without_credentials_the_doctor_could_not_look() {
    if lacks("bash") {
        return;
    }
    let venv = Venv::ensure(&|_| {}).await.unwrap();
    // Nobody is asked.
    let desk = with_banto(Desk::at("http://127.0.0.1:9", &venv)).await;
    desk.write("banto.toml", &PolicyText::least().to_string());
    let (code, said, complaint) = desk.end("banto doctor");
    assert_eq!((code, said.as_str()), (Some(3), ""), "{complaint}");
    assert!(complaint.contains("no credentials"), "{complaint}");
}

/// Probes that take a local AWS seconds.
const QUICK: [&str; 3] = [
    "iam-two-keys",
    "secrets-token-conflict",
    "dynamodb-transaction",
];

/// What is left of probes in the account is nothing.
async fn holds_nothing(desk: &Arc<Desk>) {
    let clean = format!("banto doctor --clean --sandbox {ACCOUNT}");
    let (code, said, complaint) = end(desk, &clean).await;
    let nothing = format!("nothing is called banto-probe-... in {REGION}\n");
    assert_eq!((code, said), (Some(0), nothing), "{complaint}");
}

#[tokio::test]
async fn probes_that_make_something_leave_a_transcript_and_nothing_else() {
    if lacks("bash") {
        return;
    }
    let account = Account::open().await;
    let desk = Arc::new(account.desk);
    let probe = format!(
        "banto doctor --probe --make --sandbox {ACCOUNT} --only {} --out transcript.md",
        QUICK.join(",")
    );
    let (code, said, complaint) = end(&desk, &probe).await;
    assert_eq!(code, Some(0), "{said}{complaint}");
    assert!(
        said.starts_with("3 proven, 0 disproven, 0 unclear, "),
        "{said}"
    );
    // It says before what it makes, and in which account, whose number is nobody else's business.
    assert!(
        complaint.starts_with("Makes in account ********3333"),
        "{complaint}"
    );
    for kind in ["user", "secret", "table"] {
        assert!(complaint.contains(&format!("\n  {kind}\n")), "{complaint}");
    }
    let transcript = std::fs::read_to_string(desk.path("transcript.md")).unwrap();
    for id in QUICK {
        assert!(
            transcript.contains(&format!("| {id} | proven | ")),
            "{transcript}"
        );
    }
    // The lists behind the table have the examples of docs/UNPROVEN.md, this account among them.
    let table = transcript.split("\n## ").next().unwrap();
    for text in [table, said.as_str(), complaint.as_str()] {
        assert!(!text.contains(ACCOUNT), "{text}");
    }
    let made = |operation: &str| {
        let calls = account.proxy.calls();
        calls
            .iter()
            .filter(|call| call.operation == operation)
            .count()
    };
    for [make, remove] in [
        ["iam:CreateUser", "iam:DeleteUser"],
        ["secretsmanager:CreateSecret", "secretsmanager:DeleteSecret"],
        ["dynamodb:CreateTable", "dynamodb:DeleteTable"],
    ] {
        assert!(made(make) > 0, "{make}");
        assert!(made(remove) >= made(make), "{remove}");
    }
    holds_nothing(&desk).await;

    // A topic has no date, so that one which was left behind is known at once.
    let tags = [
        ("Name", "banto-probe-0123abcd"),
        ("Tags.member.1.Key", "banto-probe"),
        ("Tags.member.1.Value", "banto-probe-0123abcd"),
    ];
    let topic = account.aws.query("sns", "2010-03-31", "CreateTopic", &tags);
    topic.await.unwrap();
    let clean = format!("banto doctor --clean --sandbox {ACCOUNT}");
    let (code, said, _) = end(&desk, &clean).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("left behind: topic "), "{said}");
    let (code, said, complaint) = end(&desk, &format!("{clean} --yes")).await;
    assert_eq!(code, Some(0), "{said}{complaint}");
    assert!(said.starts_with("removed: topic "), "{said}");
    holds_nothing(&desk).await;
}

#[tokio::test]
async fn ctrl_c_ends_a_probe_and_leaves_nothing() {
    if lacks("bash") {
        return;
    }
    let Account {
        desk,
        proxy,
        moto: _moto,
        ..
    } = Account::open().await;
    // The role's session is denied, so that the probe waits for rights that never come.
    proxy.inject(Rule {
        operation: Some("sts:AssumeRole".into()),
        first: 1,
        times: 1_000,
        fault: Fault::Denied,
    });
    let desk = Arc::new(desk);
    // With a job of its own, since a shell's background commands ignore Ctrl-C.
    let probe = format!(
        "set -m
         banto doctor --probe --make --sandbox {ACCOUNT} --only sts-session-name --out transcript.md &
         while ! test -e go && kill -0 $!; do sleep 0.1; done
         kill -INT -- -$!
         wait $!"
    );
    let pressed = async {
        let is_waiting = || {
            let calls = proxy.calls();
            calls.iter().any(|call| call.operation == "sts:AssumeRole")
        };
        while !is_waiting() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        desk.write("go", "");
    };
    let ended = end(&desk, &probe);
    tokio::pin!(ended);
    let (code, said, complaint) = tokio::select! {
        ended = &mut ended => ended,
        () = pressed => ended.await,
    };
    assert_eq!(code, Some(130), "{said}{complaint}");
    assert!(
        complaint.contains("removing what was made ..."),
        "{complaint}"
    );
    let transcript = std::fs::read_to_string(desk.path("transcript.md")).unwrap();
    assert!(
        transcript.contains("| sts-session-name | unclear | "),
        "{transcript}"
    );
    for remove in ["iam:DeleteUser", "iam:DeleteRole"] {
        assert!(
            proxy.calls().iter().any(|call| call.operation == remove),
            "{remove}"
        );
    }
    proxy.reset();
    holds_nothing(&desk).await;
}

#[tokio::test]
async fn without_a_policy_the_doctor_was_used_wrongly_and_with_a_broken_one_it_could_not_look() {
    if lacks("bash") {
        return;
    }
    let venv = Venv::ensure(&|_| {}).await.unwrap();
    // Nobody is asked.
    let desk = with_banto(Desk::at("http://127.0.0.1:9", &venv)).await;
    for (text, expected, words) in [
        (None, 2, "there is no policy in banto.toml"),
        (
            Some("rotation = 1"),
            3,
            "the policy can't be used:\nbanto.toml:1: ",
        ),
    ] {
        if let Some(text) = text {
            desk.write("banto.toml", text);
        }
        for command in ["banto doctor", "banto keys status"] {
            let (code, said, complaint) = desk.end(command);
            assert_eq!(
                (code, said.as_str()),
                (Some(expected), ""),
                "{command}: {complaint}"
            );
            assert!(complaint.contains(words), "{command}: {complaint}");
        }
    }
}
