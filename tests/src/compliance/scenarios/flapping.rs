//! Resources that change again and again, and events in the wrong order.

use banto_domain::compliance::Compliance;

use super::{bad, lines, news, next_day};
use crate::compliance::harness::{
    Evaluation, PAYMENTS, account, minutes, policy, rule, seen, start, tell, world,
};

#[test]
fn a_flapping_resource_is_told_to_flap_and_then_left_alone_until_it_keeps_still() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    for change in 0..12 {
        let at = world.now();
        let change = if change % 2 == 0 {
            Evaluation {
                at,
                ..finding.clone()
            }
        } else {
            finding.good(at)
        };
        tell(&world, &policy(), &[change.event()]);
        world.advance(minutes(20));
    }
    let told = seen(&world).len();
    assert!(told <= 5, "{told} messages for twelve changes");
    assert!(seen(&world).last().unwrap().first.contains("flapping"));

    // It ended in order, which nobody was told: a day later the daily comparison tells it, once.
    let ended_at = world.now() - minutes(20);
    world.evaluate(&finding.key(), Compliance::Compliant, ended_at);
    for _ in 0..3 {
        next_day(&world, &policy());
    }
    let known = world.finding_state(&finding.key()).unwrap();
    assert_eq!(
        (known.compliance, known.told.is_empty()),
        (Compliance::Compliant, true)
    );
    let group = world
        .finding_group("payments", &account(PAYMENTS), &rule("bucket-public"))
        .unwrap();
    assert_eq!(group.open, 0);
    assert_eq!(
        news(&world, "C0PAYMENTS")[told..],
        ["Resolved: website in payments (S3 bucket is public)"]
    );
}

#[test]
fn events_out_of_order_end_in_what_is_true() {
    let world = world();
    let finding = bad(PAYMENTS, "bucket-public", "website");
    let resolved = finding.good(start() + minutes(1));
    tell(&world, &policy(), &[resolved.event()]);
    tell(&world, &policy(), &[finding.event()]);
    // Nobody hears of the end of what nobody was told of.
    assert_eq!(lines(&world, "C0PAYMENTS"), Vec::<String>::new());
    assert_eq!(
        world.finding_state(&finding.key()).unwrap().compliance,
        Compliance::Compliant
    );
}
