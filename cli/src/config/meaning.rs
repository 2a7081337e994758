//! What a policy means, in a screen: so that whoever reads it sees what he did not mean.

use std::fmt::Display;

use banto_domain::policy::compliance::{ChannelSource, Destination, RouteMatch};
use banto_domain::policy::onboarding::{AccountSelector, Frequency, Instead, Types, Way};
use banto_domain::policy::report::EngineChoice;
use banto_domain::policy::{
    ChangeWindow, CompliancePolicy, NoticePolicy, OnboardingPolicy, Policy, ReportPolicy,
    RotationPolicy, RotationTimings, Selector,
};
use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp};

use crate::dates;

/// Routes that are told by name; of more their number is enough.
const ROUTES: usize = 6;

/// Sentences about a part of the policy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Line {
    pub(super) about: &'static str,
    pub(super) says: String,
}

/// The policy's meaning, line by line.
pub(super) fn of(policy: &Policy) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |about, says: String| lines.push(Line { about, says });
    let rotation = &policy.rotation;
    say("Access keys", keys(rotation));
    say("Pace", pace(&rotation.timings));
    if let Some(machines) = &rotation.machines {
        let who = listed(machines.who.iter().map(selector), " or ");
        say("Machines", format!("{who}: {}", pace(&machines.timings)));
    }
    say("Runs", runs(rotation));
    for exemption in &rotation.exemptions {
        let who = selector(&exemption.who);
        let until = last_day(exemption.until);
        say(
            "Exempt",
            format!("{who} until {until}: {}", exemption.reason),
        );
    }
    match &policy.onboarding {
        None => say(
            "Accounts",
            "no [onboarding]: Banto sets up no accounts".to_owned(),
        ),
        Some(onboarding) => {
            say("Accounts", accounts(onboarding));
            say("Baseline", baseline(onboarding));
        }
    }
    match &policy.compliance {
        None => say("Findings", "no [compliance]: nobody is told".to_owned()),
        Some(compliance) => {
            for (about, says) in findings(compliance) {
                say(about, says);
            }
        }
    }
    match &policy.report {
        None => say("Report", "no [report]: none is made".to_owned()),
        Some(report) => say("Report", self::report(report)),
    }
    say("Told", told(&policy.notices));
    lines
}

fn listed(items: impl IntoIterator<Item = impl Display>, between: &str) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    items.join(between)
}

/// The last day of what ends at a moment: that before midnight, as the policy has dates.
fn last_day(until: Timestamp) -> String {
    dates::day(until - SignedDuration::from_secs(1))
}

fn switch(is_on: bool) -> &'static str {
    if is_on { "" } else { "OFF (enabled = false): " }
}

pub(super) fn days(time: SignedDuration) -> i64 {
    time.as_hours() / 24
}

fn counted(count: i64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn selector(selector: &Selector) -> String {
    match selector {
        Selector::User(user) => user.to_string(),
        Selector::Path(path) => format!("users under {path}"),
        Selector::Tag { key, value } => format!("users with the tag {key} = {value}"),
        Selector::Group(group) => format!("the group {group}"),
    }
}

fn keys(rotation: &RotationPolicy) -> String {
    let who = if rotation.include.is_empty() {
        "all users".to_owned()
    } else {
        listed(rotation.include.iter().map(selector), ", ")
    };
    let but = if rotation.exclude.is_empty() {
        String::new()
    } else {
        format!(
            ", but not {}",
            listed(rotation.exclude.iter().map(selector), ", ")
        )
    };
    let accounts = listed(rotation.accounts.iter().map(|account| &account.id), ", ");
    let records = if rotation.signing.is_some() {
        "signed"
    } else {
        "not signed"
    };
    let exposed = if rotation.emergencies {
        "exposed keys end at once"
    } else {
        "exposed keys are LEFT ALONE (emergencies = false)"
    };
    format!(
        "{}{who}{but}, in account {accounts}; records are {records}; {exposed}.",
        switch(rotation.enabled)
    )
}

fn pace(timings: &RotationTimings) -> String {
    let replaced = days(timings.rotate_after);
    let warned = replaced - days(timings.warn_before);
    let end = match timings.deadline {
        Some(deadline) => format!(
            "{} after its owner was reached at the latest",
            counted(days(deadline), "day")
        ),
        None => "only when the new one is used, however long that takes".to_owned(),
    };
    let mut says = format!(
        "owners are warned when a key is {warned} days old; it is replaced at {replaced} days; the old key stops \
         working {end}, and can be restored for {}.",
        counted(days(timings.recovery), "day")
    );
    if let Some(unused) = timings.retire_unused_after {
        says += &format!(
            " A due key that was unused for {} days gets no successor.",
            days(unused)
        );
    }
    if let Some(unregistered) = timings.disable_unregistered_after {
        says += &format!(
            " Who registers no certificate loses the key {} days after it was due.",
            days(unregistered)
        );
    }
    says
}

fn runs(rotation: &RotationPolicy) -> String {
    let most = counted(
        i64::try_from(rotation.max_users_per_run).unwrap_or(i64::MAX),
        "user",
    );
    let when = if rotation.windows.is_empty() {
        "each day, at any hour".to_owned()
    } else {
        listed(rotation.windows.iter().map(window), "; ")
    };
    let canaries = if rotation.canaries.is_empty() {
        String::new()
    } else {
        format!(", {} before all others", listed(&rotation.canaries, ", "))
    };
    format!("{when}; at most {most} a run{canaries}.")
}

pub(super) fn window(window: &ChangeWindow) -> String {
    let day = |day: &Weekday| match day {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    };
    format!(
        "{} {} to {} {}",
        listed(window.days.iter().map(day), " "),
        window.from.strftime("%H:%M"),
        window.to.strftime("%H:%M"),
        window.time_zone.iana_name().unwrap_or("UTC"),
    )
}

fn accounts(onboarding: &OnboardingPolicy) -> String {
    let way = match &onboarding.way {
        Way::StackSet(set) => format!(
            "by the StackSet {} in {}",
            set.name,
            listed(&set.targets, ", ")
        ),
        Way::Direct => format!("directly, by the role {}", onboarding.reach_role),
    };
    let regions = match &onboarding.baseline.regions {
        Some(regions) => listed(regions, ", "),
        None => "every enabled region".to_owned(),
    };
    let mut says = format!(
        "{}all accounts of {}, {way}; {regions}; home is {}.",
        switch(onboarding.enabled),
        onboarding.management_account,
        onboarding.home_region
    );
    for exception in &onboarding.overrides {
        let who = account_selector(&exception.who);
        says += &match &exception.instead {
            Instead::Baseline(_) => format!(" {who}: otherwise."),
            Instead::LeftAlone { reason } => format!(" {who}: left alone ({reason})."),
        };
    }
    says
}

fn account_selector(selector: &AccountSelector) -> String {
    match selector {
        AccountSelector::Account(account) => account.to_string(),
        AccountSelector::Ou(ou) => ou.to_string(),
        AccountSelector::Tag { key, value } => format!("{key} = {value}"),
    }
}

fn baseline(onboarding: &OnboardingPolicy) -> String {
    let baseline = &onboarding.baseline;
    let config = &baseline.config;
    let types = match &config.types {
        Types::All => "all types".to_owned(),
        Types::Only(types) => format!("only {}", counted_of(types.len(), "type")),
        Types::AllBut(types) => format!("all but {}", counted_of(types.len(), "type")),
    };
    let often = match config.frequency {
        Frequency::Continuous => "with each change",
        Frequency::Daily => "once a day",
    };
    let settings = &baseline.settings;
    let on = [
        (settings.password_policy.is_some(), "a password policy"),
        (settings.block_public_access, "no public access to S3"),
        (settings.ebs_encryption, "encrypted EBS volumes"),
        (
            settings.delete_default_vpc,
            "default VPCs DELETED where empty",
        ),
        (!settings.contacts.is_empty(), "contacts"),
    ];
    let on: Vec<&str> = on
        .into_iter()
        .filter(|(on, _)| *on)
        .map(|(_, what)| what)
        .collect();
    let mut says = format!("AWS Config records {types} {often}, to {}.", config.bucket);
    if !baseline.roles.is_empty() {
        says += &format!(" Roles: {}.", listed(baseline.roles.keys(), ", "));
    }
    if !on.is_empty() {
        says += &format!(" Also: {}.", on.join(", "));
    }
    says
}

fn counted_of(count: usize, what: &str) -> String {
    counted(i64::try_from(count).unwrap_or(i64::MAX), what)
}

fn findings(compliance: &CompliancePolicy) -> Vec<(&'static str, String)> {
    let mut said = Vec::new();
    let routes = &compliance.routes;
    for route in routes.iter().take(ROUTES) {
        let says = format!("{} → {}", fits(route.only.as_ref()), destination(&route.to));
        said.push((
            "Route",
            match route.only {
                Some(_) => format!("{}: {says}", route.name),
                None => says,
            },
        ));
    }
    if routes.len() > ROUTES {
        let more = counted_of(routes.len() - ROUTES, "more route");
        said.push(("Route", format!("and {more}")));
    }
    let reminders = compliance.reminders.iter().rev();
    let reminders = reminders.map(|(severity, every)| match days(*every) {
        1 => format!("{} every day", severity.as_str()),
        days => format!("{} every {days} days", severity.as_str()),
    });
    let reminders = listed(reminders, ", ");
    let reminders = if reminders.is_empty() {
        "none".to_owned()
    } else {
        reminders
    };
    let waivers = &compliance.findings.waivers;
    let ends = waivers.iter().map(|waiver| waiver.until).min();
    let waived = ends.map_or("no waivers".to_owned(), |end: Timestamp| {
        let waivers = counted_of(waivers.len(), "waiver");
        format!("{waivers}, of which the first ends on {}", last_day(end))
    });
    let words = compliance.findings.rules.len();
    said.insert(
        0,
        (
            "Findings",
            format!(
                "{}told after {} seconds, critical and high ones after 60 at most; reminders: {reminders}; {waived}; {} \
                 with words of your own.",
                switch(compliance.enabled),
                compliance.window.as_secs(),
                counted_of(words, "rule")
            ),
        ),
    );
    said
}

fn fits(only: Option<&RouteMatch>) -> String {
    let Some(only) = only else {
        return "all else".to_owned();
    };
    let mut conditions: Vec<String> = Vec::new();
    if !only.accounts.is_empty() {
        conditions.push(listed(only.accounts.iter().map(account_selector), " or "));
    }
    if !only.rules.is_empty() {
        conditions.push(format!("rules {}", listed(&only.rules, ", ")));
    }
    conditions.extend(
        only.severity
            .map(|least| format!("at least {}", least.as_str())),
    );
    if conditions.is_empty() {
        return "everything".to_owned();
    }
    conditions.join(", ")
}

fn destination(to: &Destination) -> String {
    match to {
        Destination::Channel(channel) => format!("Slack {channel}"),
        Destination::ChannelOf(ChannelSource::Tag(tag)) => {
            format!("Slack, the channel that the account's tag {tag} names")
        }
        Destination::ChannelOf(ChannelSource::Pattern(pattern)) => format!("Slack #{pattern}"),
        Destination::Webhook(secret) => format!("Slack, by the webhook in {}", secret.name()),
        Destination::Topic(topic) => format!("SNS {} in {}", topic.name(), topic.account()),
        Destination::Mail(addresses) => format!("mail to {}", addresses.join(", ")),
        Destination::Endpoint(secret) => format!("the endpoint in {}", secret.name()),
    }
}

fn report(report: &ReportPolicy) -> String {
    let reader = match report.engine {
        EngineChoice::Embedded => "the function itself",
        EngineChoice::Athena(_) => "Athena",
    };
    let mail = report.mail.as_ref().map_or_else(
        || "no mails".to_owned(),
        |mail| format!("mailed to {}", mail.to.join(", ")),
    );
    format!(
        "{}monthly, from {} read by {reader}, to {}; {mail}.",
        switch(report.enabled),
        report.archive.bucket,
        report.store.bucket
    )
}

fn told(notices: &NoticePolicy) -> String {
    let (operators, owners) = (&notices.operators_topic, &notices.owners_topic);
    let topics = format!(
        "operators by SNS {} in {}, owners of keys by SNS {} in {}",
        operators.name(),
        operators.account(),
        owners.name(),
        owners.account()
    );
    match &notices.slack {
        None => format!("{topics}; nobody by Slack."),
        Some(slack) if slack.token.is_none() => {
            format!("in Slack's channels, which mention owners; where Slack fails, {topics}.")
        }
        Some(_) => format!(
            "in Slack's channels, owners by a message of their own; where Slack fails, {topics}."
        ),
    }
}
