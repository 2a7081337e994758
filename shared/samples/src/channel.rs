//! A delivery channel: an account in a region, from which AWS Config delivers.

use banto_domain::Region;

use crate::account::Account;
use crate::draw::Draw;
use crate::resource::{Kind, PerMille, Resource, Slot};
use crate::rules::{self, Deployed};
use crate::shape::{Oddity, Planted, Shape};
use crate::time::{Calendar, DAY};

/// Seconds after which AWS Config has evaluated a resource that was made.
pub(crate) const EVALUATED_AFTER: i64 = 600;

/// An account in a region.
#[derive(Debug)]
pub(crate) struct Channel<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) calendar: &'a Calendar,
    pub(crate) account: &'a Account,
    pub(crate) region: &'a Region,
    pub(crate) rules: Vec<Deployed>,
    /// The account's number, and the region's.
    pub(crate) account_number: usize,
    pub(crate) region_number: usize,
    planted: Vec<&'a Planted>,
}

/// The verdict of a rule, as AWS Config writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Compliant,
    Noncompliant,
    InsufficientData,
    NotApplicable,
}

impl Verdict {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Compliant => "COMPLIANT",
            Self::Noncompliant => "NON_COMPLIANT",
            Self::InsufficientData => "INSUFFICIENT_DATA",
            Self::NotApplicable => "NOT_APPLICABLE",
        }
    }
}

/// A rule's verdict on a resource at a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evaluated<'a> {
    pub(crate) rule: &'a Deployed,
    pub(crate) verdict: Verdict,
}

/// What rules say of a resource at a moment.
#[derive(Debug)]
pub(crate) struct Evaluations<'a> {
    /// When a verdict changed last.
    pub(crate) recorded: i64,
    pub(crate) by_rule: Vec<Evaluated<'a>>,
}

/// From when until when a resource is not compliant with a rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course {
    pub(crate) from: Option<i64>,
    pub(crate) until: Option<i64>,
    /// The verdict before and after.
    otherwise: Verdict,
}

impl<'a> Channel<'a> {
    pub(crate) fn new(
        shape: &'a Shape,
        calendar: &'a Calendar,
        account_number: usize,
        region_number: usize,
    ) -> Option<Self> {
        let account = shape.accounts.get(account_number)?;
        let region = shape.regions.get(region_number)?;
        let is_here =
            |at: &&Planted| at.finding.account == account.id && at.finding.region == *region;
        let planted: Vec<_> = shape.planted.iter().filter(is_here).collect();
        let mut rules = rules::deployed(shape.seed, shape.rules, account_number, region_number);
        for planted in &planted {
            let name = &planted.finding.rule;
            if !rules.iter().any(|rule| rule.planted && rule.name == *name) {
                rules.push(rules::planted(
                    shape.seed,
                    name,
                    account_number,
                    region_number,
                ));
            }
        }
        Some(Self {
            shape,
            calendar,
            account,
            region,
            rules,
            account_number,
            region_number,
            planted,
        })
    }

    /// True if the account has an oddity.
    pub(crate) fn has(&self, oddity: Oddity) -> bool {
        self.shape.has(self.account_number, oddity)
    }

    /// True if this is the account's last region, in which some oddities are.
    pub(crate) fn is_last(&self) -> bool {
        self.region_number + 1 == self.shape.regions.len()
    }

    /// Every resource that ever is there.
    pub(crate) fn resources(&self) -> impl Iterator<Item = Resource> {
        let resources = self.shape.items * (100 - self.compliance_percent()) / 100;
        let has_globals =
            self.region_number == 0 || self.region_number == 1 && self.has(Oddity::GlobalTwice);
        let share = self.evaluated_share();
        let drawn = (0..resources).map(move |number| {
            let slot = Slot {
                account: self.account_number as u64,
                region: self.region_number as u64,
                number: number as u64,
            };
            Resource::drawn(self.shape.seed, self.calendar, slot, has_globals, share)
        });
        drawn.chain(self.planted_buckets())
    }

    fn compliance_percent(&self) -> usize {
        usize::try_from(self.shape.compliance_percent.min(50)).unwrap_or(50)
    }

    /// The share of resources that rules evaluate, so that the share of compliance items among all
    /// items is as asked.
    fn evaluated_share(&self) -> PerMille {
        let compliance = self.shape.compliance_percent.min(50);
        compliance * 1000 / (100 - compliance)
    }

    fn planted_buckets(&self) -> impl Iterator<Item = Resource> {
        let mut ids: Vec<&str> = self
            .planted
            .iter()
            .map(|planted| planted.finding.resource_id.as_str())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().enumerate().map(|(number, id)| {
            let mine = self
                .planted
                .iter()
                .filter(|planted| planted.finding.resource_id == id);
            let from = mine.map(|planted| planted.from.as_second()).min();
            Resource {
                kind: Kind::Bucket,
                id: id.to_owned(),
                name: Some(id.to_owned()),
                born: from.unwrap_or(0) - EVALUATED_AFTER,
                died: None,
                seed: Draw::of(self.shape.seed, &[4, number as u64]).next(),
                evaluated: true,
                planted: true,
            }
        })
    }

    /// The rules that evaluate a resource, and what they find over time.
    pub(crate) fn courses(&self, resource: &Resource) -> impl Iterator<Item = (&Deployed, Course)> {
        let is_silent = self.is_last() && self.has(Oddity::NoComplianceItems);
        let is_evaluated = resource.evaluated && !is_silent;
        self.rules
            .iter()
            .filter(move |rule| {
                is_evaluated && rule.planted == resource.planted && rule.kind == resource.kind
            })
            .filter_map(|rule| Some((rule, self.course(resource, rule)?)))
    }

    fn course(&self, resource: &Resource, rule: &Deployed) -> Option<Course> {
        if !rule.planted {
            return Some(self.drawn_course(resource, rule));
        }
        let planted = self.planted.iter().find(|planted| {
            planted.finding.resource_id == resource.id && planted.finding.rule == rule.name
        })?;
        Some(Course {
            from: Some(planted.from.as_second()),
            until: planted.until.map(jiff::Timestamp::as_second),
            otherwise: Verdict::Compliant,
        })
    }

    /// Most findings of a rule begin when the resource is made; a third are resolved at some time.
    fn drawn_course(&self, resource: &Resource, rule: &Deployed) -> Course {
        let mut draw = Draw::of(resource.seed, &[5, rule.own]);
        let is_noncompliant = draw.percent(self.shape.noncompliant_percent);
        let evaluated = resource.born + EVALUATED_AFTER;
        let from = if draw.percent(65) {
            evaluated
        } else {
            self.calendar.change(&mut draw).max(evaluated)
        };
        let until = draw.percent(35).then(|| self.calendar.change(&mut draw));
        let until = until.filter(|until| is_noncompliant && *until > from + DAY);
        Course {
            from: is_noncompliant.then_some(from),
            until,
            otherwise: self.otherwise(&mut draw),
        }
    }

    fn otherwise(&self, draw: &mut Draw) -> Verdict {
        match draw.below(20) {
            0 if self.has(Oddity::InsufficientData) => Verdict::InsufficientData,
            1 if self.has(Oddity::NotApplicable) => Verdict::NotApplicable,
            _ => Verdict::Compliant,
        }
    }

    /// What rules say of a resource at a moment; nothing if none evaluates it.
    pub(crate) fn evaluations(&self, resource: &Resource, at: i64) -> Option<Evaluations<'_>> {
        let mut recorded = resource.born + EVALUATED_AFTER;
        let mut by_rule = Vec::new();
        if recorded > at {
            return None;
        }
        for (rule, course) in self.courses(resource) {
            let changes = [course.from, course.until].into_iter().flatten();
            recorded = changes
                .filter(|change| *change <= at)
                .fold(recorded, i64::max);
            by_rule.push(Evaluated {
                rule,
                verdict: course.verdict(at),
            });
        }
        (!by_rule.is_empty()).then_some(Evaluations { recorded, by_rule })
    }
}

impl Evaluations<'_> {
    /// The verdict of all rules together: compliant only if none says otherwise. (AWS Config API
    /// reference, `Compliance`.)
    pub(crate) fn overall(&self) -> Verdict {
        let has = |verdict| self.by_rule.iter().any(|rule| rule.verdict == verdict);
        if has(Verdict::Noncompliant) {
            Verdict::Noncompliant
        } else if has(Verdict::Compliant) {
            Verdict::Compliant
        } else {
            Verdict::InsufficientData
        }
    }
}

impl Course {
    fn verdict(self, at: i64) -> Verdict {
        let has_begun = self.from.is_some_and(|from| from <= at);
        let is_over = self.until.is_some_and(|until| until <= at);
        if has_begun && !is_over {
            Verdict::Noncompliant
        } else {
            self.otherwise
        }
    }
}
