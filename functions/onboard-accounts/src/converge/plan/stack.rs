//! Plans a region whose recorder and channel CloudFormation sees to.

use banto_domain::policy::onboarding::Item;
use banto_domain::status::ReasonKind;
use banto_ports::StackInstance;

use super::draft::{Difference, Draft, Target};
use super::recording::report_health;
use super::settings;
use crate::converge::actions::Action;
use crate::converge::snapshot::{LiveConfig, LiveRegion};

/// Plans a region by its stack instance, and by what was seen in the region itself.
pub(super) fn stacked_region(
    target: &Target<'_>,
    live: &LiveRegion,
    instance: Option<&StackInstance>,
) -> Draft {
    let mut draft = Draft::default();
    let config = draft.config(live);
    match instance {
        None => draft.reason(ReasonKind::StackInstancePending, "there is none yet"),
        Some(StackInstance::Pending) => {
            let detail = "an operation on it is under way";
            draft.reason(ReasonKind::StackInstancePending, detail);
        }
        Some(StackInstance::Failed(why)) => draft.reason(ReasonKind::StackInstanceFailed, why),
        Some(StackInstance::Inoperable(why)) => {
            draft.reason(ReasonKind::StackInstanceInoperable, why);
        }
        Some(StackInstance::Current) => recording(&mut draft, target, config),
        Some(StackInstance::Drifted) => {
            // A region that did not answer has a reason already, which says more than an old
            // finding of CloudFormation.
            if config.is_some() {
                // Part of a saved mark: a new wording is notified anew.
                let drift = "somebody changed what the stack had made";
                draft.drift.push(drift.to_owned());
            }
            recording(&mut draft, target, config);
        }
    }
    settings::plan_region_settings(&mut draft, target, live);
    draft
}

/// CloudFormation makes recorders; it neither sees that one was stopped nor starts it again.
fn recording(draft: &mut Draft, target: &Target<'_>, live: Option<&LiveConfig>) {
    let Some(live) = live else {
        return;
    };
    match live.recorder_statuses.iter().next() {
        None => draft.reason(
            ReasonKind::RecorderGone,
            "CloudFormation still takes its stack for current",
        ),
        Some((name, status)) if !status.recording => {
            let difference = Difference {
                item: Item::Config,
                is_absent: false,
                summary: format!("the recorder {name} is stopped"),
                action: Action::StartRecorder { name: name.clone() },
            };
            draft.resolve(target, difference);
        }
        Some((name, _)) => report_health(draft, live, name),
    }
}
