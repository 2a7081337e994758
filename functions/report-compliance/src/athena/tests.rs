//! The engine on an Athena that is canned: what it asks, how often, and what it makes of the rows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use banto_domain::AccountId;
use banto_domain::compliance::FindingKey;
use banto_domain::policy::report::AthenaPolicy;
use banto_ports::{ErrorKind, PortError, QueryStatus};

use self::canned::{
    Canned, FIRST, Pauses, SECOND, THIRD, canned, count, evaluation, key, question, snapshot,
};
use super::Athena;
use crate::engine::{Engine, ReadJob};
use crate::evidence::{EngineUsage, Period, Verdict};

mod canned;

/// An engine on a canned Athena.
struct Scene {
    athena: Arc<Canned>,
    clock: Arc<Pauses>,
    engine: Athena,
}

impl Scene {
    fn of(canned: Canned) -> Self {
        let athena = Arc::new(canned);
        let clock = Arc::new(Pauses::default());
        let engine = Athena::new(athena.clone(), policy(), clock.clone(), true);
        Self {
            athena,
            clock,
            engine,
        }
    }

    /// The same Athena, with the engine of another run.
    fn run_again(self) -> Self {
        let engine = Athena::new(self.athena.clone(), policy(), self.clock.clone(), true);
        Self { engine, ..self }
    }

    async fn read(&self, account: &str) -> Result<crate::evidence::AccountEvidence, PortError> {
        self.read_with(account, &BTreeSet::new()).await
    }

    async fn read_with(
        &self,
        account: &str,
        previously_open: &BTreeSet<FindingKey>,
    ) -> Result<crate::evidence::AccountEvidence, PortError> {
        let job = ReadJob {
            account: &id(account),
            period: october(),
            previously_open,
            before: "",
        };
        self.engine.read(job).await
    }

    fn started(&self) -> usize {
        self.athena.started.lock().unwrap().len()
    }

    fn expect(&self, statuses: impl IntoIterator<Item = QueryStatus>) {
        self.athena.statuses.lock().unwrap().extend(statuses);
    }
}

fn policy() -> AthenaPolicy {
    AthenaPolicy {
        workgroup: "banto-report".to_owned(),
        database: "banto_report".to_owned(),
        scan_limit: 1_000,
    }
}

fn id(account: &str) -> AccountId {
    account.parse().unwrap()
}

fn october() -> Period {
    let month: banto_domain::Month = "2026-10".parse().unwrap();
    let end = month.end();
    Period { month, end }
}

fn failed(reason: &str) -> QueryStatus {
    QueryStatus::Failed {
        reason: reason.to_owned(),
        scanned: 10,
    }
}

#[tokio::test]
async fn four_queries_answer_for_all_accounts() {
    let scene = Scene::of(canned());
    let accounts = scene.engine.accounts(october()).await.unwrap();
    assert_eq!(accounts, BTreeSet::from([id(FIRST), id(SECOND), id(THIRD)]));
    for account in [FIRST, SECOND, THIRD] {
        let evidence = scene.read(account).await.unwrap();
        let region = &evidence.regions[&"eu-west-1".parse().unwrap()];
        let snapshot = region.snapshot.as_ref().unwrap();
        assert_eq!(snapshot.taken_at.to_string(), "2026-10-31T06:00:00Z");
        assert_eq!(snapshot.key, key(account));
        assert_eq!(region.resources, 7);
        assert_eq!(region.evaluations.len(), 1);
        // A name that is only the id says nothing.
        assert_eq!(region.evaluations[0].name, None);
        let counts = region.counts[&"encrypted-volumes".parse().unwrap()];
        assert_eq!(counts.noncompliant, 1);
        assert_eq!(evidence.recorded["AWS::EC2::Volume"], 5);
        assert_eq!(evidence.problems, []);
    }
    assert_eq!(scene.started(), 4);
    let usage = EngineUsage {
        objects: 0,
        bytes: 40,
        by_athena: true,
    };
    assert_eq!(scene.engine.usage(), usage);
}

#[tokio::test]
async fn accounts_that_nobody_reads_are_passed_over_and_each_page_is_read_once() {
    let scene = Scene::of(canned());
    let evidence = scene.read(THIRD).await.unwrap();
    assert_eq!(evidence.regions.len(), 1);
    let pages = scene.athena.pages.lock().unwrap().clone();
    let once: BTreeSet<String> = pages.iter().cloned().collect();
    // Those of snapshots are looked through before, for the days that the other queries need.
    assert_eq!(pages.len(), once.len() + 2, "{pages:?}");
    assert_eq!(once.len(), 8);
}

#[tokio::test]
async fn only_days_that_have_a_last_snapshot_are_read_again() {
    let scene = Scene::of(canned());
    scene.read(FIRST).await.unwrap();
    let started = scene.athena.started.lock().unwrap().clone();
    for query in started {
        let day = "(year = 2026 AND month = 10 AND day IN (31))";
        let is_narrow = matches!(question(&query.sql), "evaluations" | "counts");
        assert_eq!(query.sql.contains(day), is_narrow, "{}", query.sql);
    }
}

#[tokio::test]
async fn an_account_of_which_there_is_nothing_has_no_evidence() {
    let scene = Scene::of(canned());
    let evidence = scene.read("222233334444").await.unwrap();
    assert_eq!(evidence, crate::evidence::AccountEvidence::default());
    // It is not lost that the next account's rows were seen by then.
    assert_eq!(scene.read(SECOND).await.unwrap().regions.len(), 1);
}

#[tokio::test]
async fn an_account_that_is_read_again_is_the_same_and_costs_no_query() {
    let scene = Scene::of(canned());
    let first = scene.read(SECOND).await.unwrap();
    scene.read(THIRD).await.unwrap();
    assert_eq!(scene.read(SECOND).await.unwrap(), first);
    assert_eq!(scene.started(), 4);
}

#[tokio::test]
async fn a_run_after_a_crash_reads_what_the_one_before_it_paid_for() {
    let scene = Scene::of(canned());
    let first = scene.read(FIRST).await.unwrap();
    let scene = scene.run_again();
    assert_eq!(scene.read(FIRST).await.unwrap(), first);
    assert_eq!(scene.started(), 4);
}

#[tokio::test]
async fn a_query_that_failed_in_an_earlier_run_is_begun_anew() {
    let scene = Scene::of(canned());
    scene.expect([failed("HIVE_CURSOR_ERROR")]);
    scene.read(FIRST).await.unwrap();
    assert_eq!(scene.started(), 5);
}

#[tokio::test]
async fn a_query_that_fails_says_why_and_stops_the_others() {
    let scene = Scene::of(canned());
    let running = QueryStatus::Running { scanned: 0 };
    scene.expect([running.clone(), running, failed("SYNTAX_ERROR: line 1")]);
    let error = scene.read(FIRST).await.unwrap_err();
    assert!(error.message.contains("SYNTAX_ERROR: line 1"), "{error}");
    assert_eq!(*scene.athena.stopped.lock().unwrap(), ["0", "1"]);
}

#[tokio::test]
async fn a_query_that_scans_more_than_the_limit_is_stopped_and_the_error_names_both() {
    let scene = Scene::of(canned());
    let begun = QueryStatus::Running { scanned: 0 };
    let within = QueryStatus::Running { scanned: 1_000 };
    let beyond = QueryStatus::Running { scanned: 1_001 };
    scene.expect([begun.clone(), begun, within, beyond]);
    let error = scene.read(FIRST).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::LimitExceeded);
    assert!(error.message.contains("1001 bytes"), "{error}");
    assert!(error.message.contains("scan_limit of 1000"), "{error}");
    assert_eq!(*scene.athena.stopped.lock().unwrap(), ["0", "1"]);
    assert_eq!(scene.engine.usage().bytes, 1_001);
}

#[tokio::test]
async fn the_limit_is_one_for_all_queries_together() {
    let scene = Scene::of(canned());
    let done = |scanned| QueryStatus::Succeeded { scanned };
    // Each query is looked at when it has begun, and when it is waited for.
    scene.expect([done(600), done(300), done(600), done(300)]);
    scene.engine.accounts(october()).await.unwrap();
    scene.expect([done(101), done(0), done(101)]);
    let error = scene.read(FIRST).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::LimitExceeded);
}

#[tokio::test]
async fn a_query_that_takes_long_is_looked_at_less_and_less_often() {
    let scene = Scene::of(canned());
    scene.expect(std::iter::repeat_n(QueryStatus::Running { scanned: 1 }, 9));
    scene.engine.accounts(october()).await.unwrap();
    let pauses: Vec<u64> = scene
        .clock
        .0
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_secs)
        .collect();
    assert_eq!(pauses, [1, 2, 4, 8, 15, 15, 15]);
}

#[tokio::test]
async fn what_was_open_before_is_told_though_it_is_compliant_and_nothing_else_is() {
    let mut canned = canned();
    let rows = [
        evaluation(FIRST, "vol-1", "COMPLIANT"),
        evaluation(FIRST, "vol-2", "COMPLIANT"),
        evaluation(FIRST, "vol-3", "A_NEW_ONE"),
    ];
    canned.rows.insert("evaluations", rows.into());
    let scene = Scene::of(canned);
    let was_open = FindingKey::new(
        id(FIRST),
        &"eu-west-1".parse().unwrap(),
        "encrypted-volumes".parse().unwrap(),
        "AWS::EC2::Volume".to_owned(),
        "vol-2".to_owned(),
    );
    let evidence = scene.read_with(FIRST, &BTreeSet::from([was_open])).await;
    let evidence = evidence.unwrap();
    let region = &evidence.regions[&"eu-west-1".parse().unwrap()];
    let told: Vec<(&str, Verdict)> = region
        .evaluations
        .iter()
        .map(|evaluation| (evaluation.resource_id.as_str(), evaluation.verdict))
        .collect();
    let expected = [
        ("vol-2", Verdict::Compliant),
        ("vol-3", Verdict::InsufficientData),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn snapshots_that_are_not_json_are_problems_and_a_region_without_another_is_known() {
    let mut canned = canned();
    let mut torn = snapshot(FIRST);
    torn.insert("is_readable".to_owned(), "false".to_owned());
    canned.rows.insert("snapshots", vec![torn]);
    canned.rows.insert("evaluations", Vec::new());
    canned.rows.insert("counts", Vec::new());
    let scene = Scene::of(canned);
    let evidence = scene.read(FIRST).await.unwrap();
    let region = &evidence.regions[&"eu-west-1".parse().unwrap()];
    assert_eq!(region.snapshot, None);
    assert_eq!(evidence.problems[0].key, key(FIRST));
}

#[tokio::test]
async fn a_compliance_item_that_makes_no_sense_is_a_problem_of_its_snapshot() {
    let mut canned = canned();
    let mut ruleless = evaluation(FIRST, "vol-1", "NON_COMPLIANT");
    ruleless.remove("rule");
    canned.rows.insert("evaluations", vec![ruleless]);
    let scene = Scene::of(canned);
    let evidence = scene.read(FIRST).await.unwrap();
    assert_eq!(evidence.problems.len(), 1);
    assert_eq!(evidence.problems[0].key, key(FIRST));
}

#[tokio::test]
async fn an_evaluation_without_a_time_is_as_old_as_its_snapshot() {
    let mut canned = canned();
    let mut timeless = evaluation(FIRST, "vol-1", "NON_COMPLIANT");
    timeless.remove("recorded_at");
    canned.rows.insert("evaluations", vec![timeless]);
    let scene = Scene::of(canned);
    let evidence = scene.read(FIRST).await.unwrap();
    let region = &evidence.regions[&"eu-west-1".parse().unwrap()];
    let recorded_at = region.evaluations[0].recorded_at;
    assert_eq!(recorded_at.to_string(), "2026-10-31T06:00:00Z");
}

#[tokio::test]
async fn an_answer_that_is_not_the_querys_is_an_error_rather_than_nothing() {
    let mut canned = canned();
    canned
        .rows
        .insert("counts", vec![count(FIRST, "COMPLIANT", "many")]);
    let scene = Scene::of(canned);
    let error = scene.read(FIRST).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("\"many\""), "{error}");
}

#[test]
fn every_placeholder_of_the_tables_is_in_the_readme_and_every_one_there_is_used() {
    let tables = [
        include_str!("../../sql/tables/config_snapshots.sql"),
        include_str!("../../sql/tables/config_history.sql"),
        include_str!("../../sql/tables/findings.sql"),
    ];
    let readme = include_str!("../../sql/README.md");
    let named: BTreeSet<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    let mut used = BTreeSet::new();
    for table in tables {
        // Athena's own placeholders have two dollars.
        for text in table.replace("$${", "").split("${").skip(1) {
            used.insert(text.split_once('}').unwrap().0.to_owned());
        }
    }
    let used: BTreeSet<&str> = used.iter().map(String::as_str).collect();
    assert_eq!(used, named);
}

#[tokio::test]
async fn a_month_before_that_was_made_anew_and_another_run_are_answered_anew() {
    let scene = Scene::of(canned());
    scene.read(FIRST).await.unwrap();
    assert_eq!(scene.started(), 4);
    let job = ReadJob {
        account: &id(FIRST),
        period: october(),
        previously_open: &BTreeSet::new(),
        before: "made anew",
    };
    let told = scene.engine.read(job).await.unwrap();
    assert_eq!(scene.started(), 6);
    assert!(!told.regions.is_empty());
    // Another run of the same process asks again, and here is told that it costs too much.
    let dear = QueryStatus::Succeeded { scanned: 1 << 40 };
    scene.expect(std::iter::repeat_n(dear, 9));
    assert!(scene.engine.accounts(october()).await.is_err());
}
