//! The sentences for operators. Those for the readers of routes are in
//! [`deliver::notices`](crate::deliver).

use banto_domain::compliance::advice;
use banto_domain::policy::compliance::Waiver;
use banto_lambda::event::Subscription;
use banto_notice::text::{day, day_and_time, fact};
use banto_notice::{Audience, Notice, Step, Urgency};
use jiff::SignedDuration;

/// Words the warning of a waiver that ends soon.
pub fn waiver_ends(id: String, waiver: &Waiver) -> Notice {
    let account = match &waiver.account {
        Some(account) => account.to_string(),
        None => "any account".to_owned(),
    };
    let rule = advice(&waiver.rule).map_or(&waiver.rule, |advice| &advice.title);
    // A waiver that ends with a day has that day's midnight as its end.
    let last = waiver.until - SignedDuration::from_secs(1);
    let (resource, until) = (&waiver.resource, day(last));
    let headline = format!("A waiver ends on {until}: {rule} for {resource} in {account}");
    let mut notice = Notice::new(id, Audience::Operators, Urgency::Action, headline);
    notice.facts = vec![
        fact("Rule", &waiver.rule),
        fact("Owner", &waiver.owner),
        fact("Ends", day_and_time(waiver.until)),
        fact("Reason", &waiver.reason),
    ];
    notice.steps = vec![Step {
        text: "Fix it by then, or renew the waiver (`banto compliance waive`); otherwise alerts resume."
            .to_owned(),
        command: None,
    }];
    notice
}

/// Words what SNS says of the subscription of Banto's queue to a topic. SNS's token, which confirms
/// a subscription, is not in it.
pub(crate) fn subscription(subscription: &Subscription) -> Option<Notice> {
    let topic = &subscription.topic;
    let (headline, meaning) = match subscription.kind.as_str() {
        "SubscriptionConfirmation" => (
            format!("Confirm the subscription of Banto's queue to {topic}"),
            "Until it is confirmed, SNS delivers nothing from this topic to Banto.",
        ),
        "UnsubscribeConfirmation" => (
            format!("The subscription of Banto's queue to {topic} was ended"),
            "Nothing from this topic reaches Banto any more. If nobody meant that, subscribe again.",
        ),
        _ => return None,
    };
    let id = format!(
        "notify-compliance:subscription:{}:{topic}",
        subscription.kind
    );
    let mut notice = Notice::new(id, Audience::Operators, Urgency::Action, headline);
    notice.paragraphs = vec![meaning.to_owned()];
    notice.facts = vec![fact("Topic", topic)];
    // A queue's owner who subscribes it need confirm nothing. (SNS developer guide, "Sending
    // Amazon SNS messages to an Amazon SQS queue in a different account".)
    notice.steps = vec![Step {
        text: "In the account that owns the queue, subscribe it in the console (SQS, the queue, \
               \"Subscribe to Amazon SNS topic\"), or with this command, which needs no \
               confirmation; QUEUE_ARN is the queue's ARN:"
            .to_owned(),
        command: Some(format!(
            "aws sns subscribe --topic-arn {topic} --protocol sqs --notification-endpoint QUEUE_ARN"
        )),
    }];
    Some(notice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_to_confirm_is_told_with_its_topic_and_a_way_to_confirm_it() {
        let topic = "arn:aws:sns:eu-west-1:444455556666:config";
        let said = |kind: &str| {
            subscription(&Subscription {
                kind: kind.to_owned(),
                topic: topic.to_owned(),
            })
        };
        let confirm = said("SubscriptionConfirmation").unwrap();
        assert!(confirm.headline.starts_with("Confirm the subscription"));
        assert!(confirm.headline.contains(topic));
        let command = confirm.steps[0].command.as_deref().unwrap();
        assert!(command.contains(topic), "{command}");
        let ended = said("UnsubscribeConfirmation").unwrap();
        assert_ne!(ended.id, confirm.id);
        assert_eq!(said("Other"), None);
    }
}
