//! `[onboarding]` as it is read, and what of it is refused.

use std::collections::BTreeMap;

use super::{EXAMPLE, LEAST, problems};
use crate::AccountId;
use crate::policy::Policy;
use crate::policy::onboarding::{
    Expected, Frequency, GLOBAL_TYPES, OnboardingPolicy, SessionName, Types,
};

const DIRECT: &str = include_str!("../../../../../examples/direct.toml");

fn read(text: &str) -> OnboardingPolicy {
    let policy = Policy::parse(text).unwrap_or_else(|problems| panic!("{problems}"));
    policy.onboarding.unwrap()
}

/// Asserts that a problem is told at the line of a piece of the text.
fn assert_told_at(text: &str, piece: &str, says: &str) {
    let before = &text[..text.find(piece).unwrap()];
    let line = format!("banto.toml:{}: ", before.matches('\n').count() + 1);
    let found = problems(text);
    let is_told = |problem: &str| problem.starts_with(&line) && problem.contains(says);
    assert!(found.lines().any(is_told), "{line}{says}\n{found}");
}

/// The least policy that onboards accounts, with something added to that section.
fn onboarding_with(lines: &str) -> String {
    let config = if lines.contains("config") {
        ""
    } else {
        "[onboarding.config]\nbucket = \"log-archive\"\n"
    };
    let way = if lines.contains("way =") {
        ""
    } else {
        "way = \"direct\"\n"
    };
    format!(
        "{LEAST}[onboarding]\n{way}management_account = \"999988887777\"\nhome_region = \"eu-west-1\"\n\
         queue = \"https://sqs.eu-west-1.amazonaws.com/999988887777/banto\"\ntable = \"banto\"\n\
         dashboard = {{ bucket = \"dashboard\" }}\n{lines}\n{config}"
    )
}

#[test]
fn an_onboarding_policy_says_for_each_account_what_it_must_have() {
    let policy = Policy::parse(EXAMPLE).unwrap().onboarding.unwrap();
    let tags = BTreeMap::from([("kind".to_owned(), "sandbox".to_owned())]);
    let (account, unit) = (
        "444455556666".parse().unwrap(),
        [
            "r-ab12".parse().unwrap(),
            "ou-ab12-cdef3456".parse().unwrap(),
        ],
    );
    let Expected::Baseline(everyone) = policy.expected_for(&account, &[], &BTreeMap::new()) else {
        panic!("left alone")
    };
    let Expected::Baseline(in_unit) = policy.expected_for(&account, &unit, &tags) else {
        panic!("left alone")
    };
    let Expected::Baseline(sandbox) = policy.expected_for(&account, &[], &tags) else {
        panic!("left alone")
    };
    assert_eq!(in_unit.config, everyone.config);
    assert!(in_unit.settings.delete_default_vpc && in_unit.settings.ebs_encryption);
    assert_eq!(
        (
            everyone.regions.as_ref().unwrap().len(),
            sandbox.regions.as_ref().unwrap().len()
        ),
        (2, 1)
    );
    let vendor = "666677778888".parse().unwrap();
    assert_eq!(
        policy.expected_for(&vendor, &unit, &tags),
        Expected::LeftAlone("run by a vendor, who records it")
    );
}

#[test]
fn an_onboarding_policy_that_is_wrong_is_named_with_what_would_be_right() {
    Policy::parse(&onboarding_with("")).unwrap_or_else(|problems| panic!("{problems}"));
    let role = "roles.admin = { trusted = [\"111122223333\"], managed_policies = [\"arn:aws:iam::aws:policy/X\"]";
    for (lines, says) in [
        ("way = \"both\"".to_owned(), "must be \"stackset\" or \"direct\", but is \"both\""),
        ("way = \"stackset\"".to_owned(), "[onboarding.stack_set] is missing"),
        (
            "way = \"stackset\"\nstack_set = { name = \"b\", targets = [\"r-ab12\"] }".to_owned(),
            "needs to be told its `regions`",
        ),
        ("stack_set = { name = \"b\", targets = [] }".to_owned(), "has no meaning where `way` is \"direct\""),
        ("regions = []".to_owned(), "must name at least one"),
        ("regions = [\"us-east-1\"]".to_owned(), "regions` must hold `home_region` (eu-west-1)"),
        ("regions = [\"Ireland\"]".to_owned(), "\"Ireland\" is not a region"),
        ("report_only = [\"rolls\"]".to_owned(), "must be one of roles, config"),
        ("config = {}".to_owned(), "`onboarding.config.bucket` is missing"),
        ("config = { bucket = \"abc\", snapshot_hours = 5 }".to_owned(), "must be 1, 3, 6, 12 or 24, but is 5"),
        ("config = { bucket = \"abc\", only_types = [\"EC2\"] }".to_owned(), "\"EC2\" is not a resource type"),
        (
            "config = { bucket = \"abc\", only_types = [\"A::B::C\"], all_but_types = [\"A::B::D\"] }".to_owned(),
            "must have `only_types` or `all_but_types`, not both",
        ),
        (
            "config = { bucket = \"abc\", frequency_of = { \"AWS::Config::ResourceCompliance\" = \"daily\" } }"
                .to_owned(),
            "AWS::Config::ResourceCompliance can't be recorded daily",
        ),
        ("roles.admin = { trusted = [] }".to_owned(), "must name at least one account"),
        ("roles.admin = { trusted = [\"111122223333\"] }".to_owned(), "a role without them can do nothing"),
        (format!("{role}, conditions = \"MFA\" }}"), "is not JSON"),
        (format!("{role}, max_session_hours = 13 }}"), "from 1 to 12, but is 13"),
        (format!("{role}, tags = {{ \"banto:managed\" = \"no\" }} }}"), "is Banto's own"),
        ("settings = { contacts = { legal = {} } }".to_owned(), "`onboarding.settings.contacts.legal` is unknown"),
        (
            "overrides = [{ regions = [\"eu-west-1\"] }]".to_owned(),
            "must have exactly one of `account`, `ou` and `tag`",
        ),
        ("queue = \"banto\"".to_owned(), "duplicate key"),
    ] {
        let found = problems(&onboarding_with(&lines));
        assert!(found.contains(says), "{lines}: {found}");
    }
}

/// A policy with a role that has more lines than it must.
fn role_with(lines: &str) -> String {
    onboarding_with(&format!(
        "[onboarding.roles.admin]\ntrusted = [\"111122223333\"]\n{lines}\n\
         managed_policies = [\"arn:aws:iam::aws:policy/AdministratorAccess\"]"
    ))
}

/// A policy that records like this.
fn recording(lines: &str) -> String {
    onboarding_with(&format!(
        "[onboarding.config]\nbucket = \"log-archive\"\n{lines}"
    ))
}

/// A policy by StackSet, with more sections.
fn stacked(lines: &str) -> String {
    onboarding_with(&format!(
        "way = \"stackset\"\nregions = [\"eu-west-1\", \"us-east-1\"]\n{lines}\n\
         [onboarding.stack_set]\nname = \"banto\"\ntargets = [\"r-ab12\"]"
    ))
}

#[test]
fn every_example_is_accepted_and_all_of_its_keys_are_known() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("#:schema ../banto.schema.json\n"));
        Policy::parse(&text).unwrap_or_else(|problems| panic!("{}: {problems}", path.display()));
        count += 1;
    }
    assert!(count >= 2);
}

#[test]
fn an_override_of_recording_and_roles_adds_to_what_everyone_has() {
    let policy = read(DIRECT);
    let unit = ["ou-ab12-cdef3456".parse().unwrap()];
    let account = "444455556666".parse().unwrap();
    let Expected::Baseline(everyone) = policy.expected_for(&account, &[], &BTreeMap::new()) else {
        panic!("left alone")
    };
    let Expected::Baseline(in_unit) = policy.expected_for(&account, &unit, &BTreeMap::new()) else {
        panic!("left alone")
    };
    assert_eq!(
        (everyone.config.frequency, in_unit.config.frequency),
        (Frequency::Daily, Frequency::Continuous)
    );
    assert_eq!(in_unit.config.bucket, everyone.config.bucket);
    assert_eq!(in_unit.config.topics, everyone.config.topics);
    assert_eq!((everyone.roles.len(), in_unit.roles.len()), (2, 3));
}

#[test]
fn each_region_has_the_topic_that_names_it_and_an_override_replaces_them_all() {
    let topic = |region: &str| format!("arn:aws:sns:{region}:999988887777:config");
    let (ireland, virginia) = (topic("eu-west-1"), topic("us-east-1"));
    let text = format!(
        "regions = [\"eu-west-1\", \"us-east-1\"]\n\
         overrides = [\n\
         {{ ou = \"ou-ab12-cdef3456\", config = {{ topics = [\"{virginia}\"] }} }},\n\
         {{ account = \"444455556666\", config = {{ topics = [] }} }},\n\
         {{ account = \"555566667777\", regions = [\"eu-west-1\"] }}]\n\
         [onboarding.config]\nbucket = \"log-archive\"\ntopics = [\"{ireland}\", \"{virginia}\"]"
    );
    let policy = read(&onboarding_with(&text));
    let regions = |config: &crate::policy::onboarding::Recording| {
        let topics = config.topics.iter();
        topics
            .map(|(region, topic)| {
                assert_eq!(region.as_str(), topic.region());
                region.to_string()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(regions(&policy.baseline.config), ["eu-west-1", "us-east-1"]);
    let overridden = policy.overrides.iter().map(|one| match &one.instead {
        crate::policy::onboarding::Instead::Baseline(baseline) => regions(&baseline.config),
        crate::policy::onboarding::Instead::LeftAlone { .. } => panic!("left alone"),
    });
    assert_eq!(
        overridden.collect::<Vec<_>>(),
        [vec!["us-east-1"], vec![], vec!["eu-west-1", "us-east-1"]]
    );
}

#[test]
fn a_topic_that_aws_config_would_not_take_is_refused_at_its_line() {
    let text = onboarding_with(
        "regions = [\"eu-west-1\"]\n[onboarding.config]\nbucket = \"log-archive\"\ntopics = [\n\
         \"arn:aws:sns:eu-west-1:999988887777:one\",\n\
         \"arn:aws:sns:eu-west-1:999988887777:two\",\n\
         \"arn:aws:sns:us-east-1:999988887777:far\",\n\
         \"arn:aws:sns:Ireland:999988887777:odd\",\n]",
    );
    assert_told_at(
        &text,
        "\"arn:aws:sns:eu-west-1:999988887777:two",
        "a region has one topic",
    );
    assert_told_at(
        &text,
        "\"arn:aws:sns:us-east-1",
        "is of us-east-1, which is not in `regions`",
    );
    assert_told_at(
        &text,
        "\"arn:aws:sns:Ireland",
        "\"Ireland\" is not a region",
    );
    assert!(problems(&recording("topic = \"x\"")).contains("did you mean `topics`?"));
}

#[test]
fn sessions_name_their_user_unless_the_role_is_for_anybody() {
    let of = |lines: &str| {
        let role = read(&role_with(lines)).baseline.roles.into_values().next();
        role.unwrap().session_name
    };
    assert_eq!(of(""), SessionName::User);
    assert_eq!(of("session_name = \"user\""), SessionName::User);
    let own = "conditions = '{\"StringLike\": {\"STS:rolesessionname\": \"deploy-*\"}}'";
    assert_eq!(
        of(&format!("session_name = \"any\"\n{own}")),
        SessionName::Any
    );
    assert_told_at(
        &role_with(own),
        "conditions",
        "or make `session_name` \"any\"",
    );
    let odd = role_with("session_name = \"nobody\"");
    assert_told_at(
        &odd,
        "session_name",
        "must be one of user, any, but is \"nobody\"",
    );
}

#[test]
fn a_condition_that_would_get_lost_is_refused() {
    for own in ["{\"Bool\": \"true\"}", "{\"StringEquals\": []}"] {
        let text = role_with(&format!("conditions = '{own}'"));
        assert_told_at(&text, "conditions", "must have an object for each operator");
    }
}

#[test]
fn by_stack_set_no_account_has_other_recording_or_roles_but_the_management_account() {
    let own = [
        ("config", "config = { frequency = \"daily\" }"),
        (
            "roles",
            "roles.admin = { trusted = [\"111122223333\"], managed_policies = [\"arn:aws:iam::aws:policy/X\"] }",
        ),
    ];
    for (key, own) in own {
        for who in ["ou = \"ou-ab12-cdef3456\"", "account = \"444455556666\""] {
            let text = stacked(&format!("overrides = [{{ {who},\n{own} }}]"));
            let text = if key == "config" {
                format!("{text}\n[onboarding.config]\nbucket = \"log-archive\"")
            } else {
                text
            };
            assert_told_at(&text, own, "can't differ where `way` is \"stackset\"");
            read(&text.replace(who, "account = \"999988887777\""));
        }
    }
    read(&stacked(
        "overrides = [{ ou = \"ou-ab12-cdef3456\", regions = [\"eu-west-1\"], settings = { ebs_encryption = true } }]",
    ));
}

#[test]
fn by_stack_set_control_tower_is_refused_whose_recorder_would_fail_every_stack() {
    let text = stacked("control_tower = true");
    assert_told_at(&text, "control_tower", "make `way` \"direct\"");
    read(&onboarding_with("control_tower = true"));
}

#[test]
fn an_account_without_the_home_region_would_have_no_record_of_iam_and_is_refused() {
    let text =
        onboarding_with("overrides = [{ account = \"444455556666\",\nregions = [\"us-east-1\"] }]");
    assert_told_at(&text, "regions", "must hold `home_region` (eu-west-1)");
}

#[test]
fn what_cannot_be_recorded_daily_must_be_continuous_or_left_out() {
    let (rules, packs) = (
        "AWS::Config::ResourceCompliance",
        "AWS::Config::ConformancePackCompliance",
    );
    // With all types AWS sees to it.
    read(&recording("frequency = \"daily\""));
    let all_but = "frequency = \"daily\"\nall_but_types = [\"AWS::EC2::Volume\"]";
    for name in [rules, packs] {
        let says = format!("can't be daily for {name}");
        assert_told_at(&recording(all_but), "frequency", &says);
        let only = format!("frequency = \"daily\"\nonly_types = [\"{name}\"]");
        assert_told_at(&recording(&only), "frequency", &says);
        read(&recording(&format!(
            "{only}\nfrequency_of = {{ \"{name}\" = \"continuous\" }}"
        )));
        let own = recording(&format!("frequency_of = {{\n\"{name}\" = \"daily\" }}"));
        assert_told_at(&own, &format!("\"{name}\""), "can't be recorded daily");
    }
    read(&recording(&format!(
        "{all_but}\nfrequency_of = {{ \"{rules}\" = \"continuous\", \"{packs}\" = \"continuous\" }}"
    )));
    read(&recording(&format!(
        "frequency = \"daily\"\nall_but_types = [\"{rules}\", \"{packs}\"]"
    )));
    read(&recording(
        "frequency = \"daily\"\nonly_types = [\"AWS::EC2::Volume\"]",
    ));
}

#[test]
fn a_type_that_aws_config_always_records_can_not_be_named() {
    let system = "AWS::Config::ConfigurationRecorder";
    for lines in [
        format!("only_types = [\"{system}\"]"),
        format!("all_but_types = [\"{system}\"]"),
        format!("frequency_of = {{ \"{system}\" = \"continuous\" }}"),
    ] {
        assert_told_at(&recording(&lines), &lines, "always records: leave it out");
    }
}

#[test]
fn a_region_in_which_nothing_would_be_left_to_record_is_refused() {
    let only = "only_types = [\"AWS::IAM::Role\", \"AWS::IAM::User\"]";
    let at_home =
        |regions: &str| format!("{regions}\n[onboarding.config]\nbucket = \"log-archive\"\n{only}");
    for regions in ["", "regions = [\"eu-west-1\", \"us-east-1\"]"] {
        let text = onboarding_with(&at_home(regions));
        assert_told_at(&text, "only_types", "names IAM's global types only");
    }
    let home = at_home("regions = [\"eu-west-1\"]");
    read(&onboarding_with(&home));
    let wider = "overrides = [\n{ account = \"444455556666\", regions = [\"eu-west-1\", \"us-east-1\"] }]\n";
    let text = onboarding_with(&format!("{wider}{home}"));
    assert_told_at(&text, "{ account", "names IAM's global types only");
    let none = recording("only_types = []");
    assert_told_at(&none, "only_types", "must name at least one type");
    let all = read(&recording("all_but_types = []"));
    assert_eq!(all.baseline.config.types, Types::All);
}

#[test]
fn iam_is_recorded_in_no_region_that_aws_config_came_to_late() {
    let zurich =
        |lines: &str| recording(lines).replace("eu-west-1\"\nqueue", "eu-central-2\"\nqueue");
    let globals = GLOBAL_TYPES.map(|name| format!("\"{name}\"")).join(", ");
    let says = "can't be recorded in `home_region` (eu-central-2)";
    assert_told_at(&zurich(""), "[onboarding.config]", says);
    assert_told_at(
        &zurich("all_but_types = [\"AWS::IAM::Role\"]"),
        "[onboarding.config]",
        says,
    );
    read(&zurich(&format!("all_but_types = [{globals}]")));
    read(&zurich("only_types = [\"AWS::EC2::Volume\"]"));
}

#[test]
fn what_iam_would_refuse_of_a_role_is_refused_at_its_line() {
    let long = |count: usize| "a".repeat(count);
    for (lines, says) in [
        (
            format!("description = \"{}\"", long(1001)),
            "1001 characters, more than the 1000",
        ),
        (
            "description = \"管理者\"".to_owned(),
            "Latin-1 characters only",
        ),
        (
            format!("tags = {{ {} = \"\" }}", long(129)),
            "129 characters, more than the 128",
        ),
        (
            format!("tags = {{ team = \"{}\" }}", long(257)),
            "257 characters, more than the 256",
        ),
        ("tags = { team = \"a;b\" }".to_owned(), "but holds ';'"),
        ("tags = { \"team;\" = \"a\" }".to_owned(), "but holds ';'"),
        ("tags = { \"\" = \"a\" }".to_owned(), "must have a key"),
        ("tags = { \"AWS:team\" = \"a\" }".to_owned(), "is AWS's own"),
        (
            "tags = { \"Banto:managed\" = \"a\" }".to_owned(),
            "is Banto's own",
        ),
        (
            "tags = { team = \"a\", Team = \"b\" }".to_owned(),
            "differ in case only",
        ),
        (
            "inline_policies = { \"a b\" = '{}' }".to_owned(),
            "is named \"a b\"",
        ),
        (
            format!("inline_policies = {{ {} = '{{}}' }}", long(129)),
            "expected 1 to 128 letters",
        ),
        (
            "inline_policies = { a = '{\"Sid\": \"€\"}' }".to_owned(),
            "holds '€'",
        ),
        (
            format!(
                "inline_policies = {{ a = '{{\"Sid\": \"{}\"}}' }}",
                long(8_192)
            ),
            "more than 8192",
        ),
        (
            "inline_policies = { a = '[]' }".to_owned(),
            "must be a JSON object",
        ),
        (
            "conditions = '{\"StringEquals\": {\"a\": \"€\"}}'".to_owned(),
            "holds '€'",
        ),
    ] {
        assert_told_at(&role_with(&lines), &lines, says);
    }
}

#[test]
fn too_many_tags_and_two_roles_of_one_name_are_refused() {
    let many: Vec<String> = (0..50).map(|number| format!("t{number} = \"\"")).collect();
    let text = role_with(&format!("tags = {{ {} }}", many.join(", ")));
    assert_told_at(&text, "tags", "are more than 49");
    let twice =
        "{ trusted = [\"111122223333\"], managed_policies = [\"arn:aws:iam::aws:policy/X\"] }";
    let text = onboarding_with(&format!("roles.admin = {twice}\nroles.Admin = {twice}"));
    assert_told_at(
        &text,
        "roles",
        "has Admin and admin, which are one name to IAM",
    );
}

#[test]
fn what_aws_would_refuse_of_a_contact_is_refused_at_its_line() {
    let contact = |name: &str, title: &str, email: &str, phone: &str| {
        onboarding_with(&format!(
            "[onboarding.settings.contacts.security]\nname = \"{name}\"\ntitle = \"{title}\"\n\
             email = \"{email}\"\nphone = \"{phone}\""
        ))
    };
    let fine = [
        "Alice",
        "Security",
        "security@example.com",
        "+81 3 0000 0000",
    ];
    read(&contact(fine[0], fine[1], fine[2], fine[3]));
    let (name, title) = ("a".repeat(65), "a".repeat(51));
    let (email, phone) = (format!("{}@example.com", "a".repeat(243)), "1".repeat(26));
    let text = contact(&name, &title, &email, &phone);
    assert_told_at(&text, "name = \"aaa", "65 characters, more than the 64");
    assert_told_at(&text, "title =", "51 characters, more than the 50");
    assert_told_at(&text, "email =", "255 characters, more than the 254");
    assert_told_at(&text, "phone =", "26 characters, more than the 25");
    for email in [
        "alice",
        "alice@example",
        "al ice@example.com",
        "a@b@example.com",
        "@example.com",
        "älice@example.com",
    ] {
        let text = contact(fine[0], fine[1], email, "ext. 12");
        assert_told_at(&text, "email =", "must be a mail address");
        assert_told_at(&text, "phone =", "must hold digits, spaces, brackets");
    }
}

#[test]
fn revocations_go_to_the_queue_that_onboard_accounts_works_off() {
    let problems = problems(&EXAMPLE.replace(
        "revocations = \"https://sqs.ap-northeast-1.amazonaws.com/999988887777/banto-accounts\"",
        "revocations = \"https://sqs.ap-northeast-1.amazonaws.com/999988887777/banto-acounts\"",
    ));
    assert!(
        problems.contains("`rotation` has `revocations` that are not `onboarding.queue`"),
        "{problems}"
    );
}

#[test]
fn accounts_that_are_left_alone_are_known_by_their_id_only() {
    let policy = read(&format!(
        "{}{}",
        onboarding_with(""),
        r#"
[[onboarding.overrides]]
account = "222233334444"
left_alone_because = "sold"

[[onboarding.overrides]]
ou = "ou-ab12-sandbox0"
left_alone_because = "nobody records a sandbox"

[[onboarding.overrides]]
account = "555566667777"
settings = { ebs_encryption = true }
"#
    ));
    let left_alone: Vec<&str> = policy
        .left_alone()
        .into_iter()
        .map(AccountId::as_str)
        .collect();
    assert_eq!(left_alone, ["222233334444"]);
}
