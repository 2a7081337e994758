//! The sentences for operators. Those for the readers of routes are in
//! [`deliver::notices`](crate::deliver).

use banto_domain::compliance::advice;
use banto_domain::policy::compliance::Waiver;
use banto_notice::text::{count, day_and_time, fact};
use banto_notice::{Audience, Notice, Step, Urgency};
use jiff::Timestamp;

/// Words the warning of a waiver that ends soon.
pub fn waiver_ends(id: String, waiver: &Waiver, now: Timestamp) -> Notice {
    let days = (waiver.until.duration_since(now).as_hours() + 23) / 24;
    let days = count(days.max(0), "day");
    let account = match &waiver.account {
        Some(account) => account.to_string(),
        None => "any account".to_owned(),
    };
    let rule = advice(&waiver.rule).map_or(&waiver.rule, |advice| &advice.title);
    let resource = &waiver.resource;
    let headline = format!("A waiver ends in {days}: {rule} for {resource} in {account}");
    let mut notice = Notice::new(id, Audience::Operators, Urgency::Action, headline);
    notice.facts = vec![
        fact("Rule", &waiver.rule),
        fact("Owner", &waiver.owner),
        fact("Ends", day_and_time(waiver.until)),
        fact("Reason", &waiver.reason),
    ];
    notice.steps = vec![Step {
        text: "Put it right before then, or have its owner renew the waiver in banto.toml; else its findings are told."
            .to_owned(),
        command: None,
    }];
    notice
}
