//! Probes about queues and topics, and about resource policies.

use serde_json::{Value, json};

use super::super::made::is_gone;
use super::super::probe::{Account, Answers, Cost, Kind, Probe, Step, Verdict, Wait, step};
use super::secrets::secret;

pub(super) fn probes() -> Vec<Probe> {
    vec![
        Probe {
            id: "sqs-group-delay",
            account: Account::Any,
            cost: Cost::Requests,
            steps: group(),
            judge: group_is_kept,
        },
        Probe {
            id: "policy-before-role",
            account: Account::Any,
            cost: Cost::Keys,
            steps: policies(),
            judge: policies_are_taken,
        },
    ]
}

fn queue() -> Step {
    let arguments = json!({"QueueName": "<<name>>", "tags": {"banto-probe": "<<name>>"}});
    step("queue", "sqs:CreateQueue", arguments).making(Kind::Queue, "<<name>>")
}

fn group() -> Vec<Step> {
    let send = json!({"QueueUrl": "<<queue:/QueueUrl>>", "MessageBody": "probe",
        "MessageGroupId": "group", "DelaySeconds": 1});
    let receive = json!({"QueueUrl": "<<queue:/QueueUrl>>", "WaitTimeSeconds": 2,
        "MessageSystemAttributeNames": ["MessageGroupId"]});
    vec![
        queue(),
        step("sent", "sqs:SendMessage", send)
            .wait(Wait::Answered)
            .refusable(),
        step("received", "sqs:ReceiveMessage", receive)
            .wait(Wait::Until(|text| text.contains("\"Body\""))),
    ]
}

fn group_is_kept(answers: &Answers) -> Verdict {
    if let Some(refused) = answers.refusal("sent") {
        let evidence = format!("SendMessage: {} {}", refused.code, refused.words);
        return if is_gone(refused) {
            Verdict::Unclear(format!("{evidence}: the queue is too young"))
        } else {
            Verdict::Disproven(evidence)
        };
    }
    let received = answers.json("received");
    let Some(message) = received.pointer("/Messages/0") else {
        return Verdict::Unclear("taken, but the message did not come in time".to_owned());
    };
    let group = message.pointer("/Attributes/MessageGroupId");
    Verdict::of(
        group.is_some_and(|group| group == "group"),
        format!("received with the group {}", group.unwrap_or(&Value::Null)),
    )
}

/// A statement that lets a role in that is never made.
fn statement(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource,
        "Principal": {"AWS": "arn:aws:iam::<<account>>:root"},
        "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::<<account>>:role/banto/<<name>>"}}})
}

fn policy(statements: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn policies() -> Vec<Step> {
    let own = json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Principal": {"AWS": "arn:aws:iam::<<account>>:root"}});
    let on_secret = policy(json!([statement("secretsmanager:GetSecretValue", "*")]));
    let on_queue = policy(json!([statement(
        "sqs:SendMessage",
        "arn:aws:sqs:<<region>>:<<account>>:<<name>>"
    )]));
    let on_topic = policy(json!([statement("sns:Publish", "<<topic:TopicArn>>")]));
    let on_key = policy(json!([own, statement("kms:Decrypt", "*")]));
    let tagged = json!({"Name": "<<name>>", "Tags.member.1.Key": "banto-probe", "Tags.member.1.Value": "<<name>>"});
    vec![
        secret("alice"),
        queue(),
        step("topic", "sns:CreateTopic", tagged).making(Kind::Topic, "<<topic:TopicArn>>"),
        step(
            "on-secret",
            "secretsmanager:PutResourcePolicy",
            json!({"SecretId": "<<name>>", "ResourcePolicy": on_secret}),
        )
        .refusable(),
        step(
            "on-queue",
            "sqs:SetQueueAttributes",
            json!({"QueueUrl": "<<queue:/QueueUrl>>", "Attributes": {"Policy": on_queue}}),
        )
        .refusable(),
        step(
            "on-topic",
            "sns:SetTopicAttributes",
            json!({"TopicArn": "<<topic:TopicArn>>", "AttributeName": "Policy", "AttributeValue": on_topic}),
        )
        .refusable(),
        step(
            "on-key",
            "kms:CreateKey",
            json!({"Description": "<<name>>", "Policy": on_key,
                "Tags": [{"TagKey": "banto-probe", "TagValue": "<<name>>"}]}),
        )
        .making(Kind::Key, "<<on-key:/KeyMetadata/KeyId>>")
        .refusable(),
    ]
}

fn policies_are_taken(answers: &Answers) -> Verdict {
    let steps = ["on-secret", "on-queue", "on-topic", "on-key"];
    let codes: Vec<String> = steps
        .iter()
        .map(|step| format!("{step}: {}", answers.code(step)))
        .collect();
    let all = steps.iter().all(|step| answers.is_yes(step));
    Verdict::of(all, codes.join(", "))
}
