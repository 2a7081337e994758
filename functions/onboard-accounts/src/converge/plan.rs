//! Decides what to do in an account: pure, from the snapshot, the policy and the time.
//!
//! A plan has a part for the account as a whole and one for each region. Each part is an ordered chain of
//! actions, and says where it stands once they are done: what only people can mend, what is reported and not
//! repaired, or that it is in place.

use std::collections::BTreeMap;

use banto_domain::policy::onboarding::{
    Baseline, Contact, ContactKind, Expected, Item, OnboardingPolicy, PasswordPolicy, Role,
};
use banto_domain::status::{Condition, Reason, ReasonKind};
use banto_domain::{AccountId, Partition, PerPlace, Region, RoleName};
use banto_ports::{
    AccountState, Channel, DefaultVpc, LiveRecorder, LiveRole, NewRole, Recorder, RegionState,
    RoleChange, StackInstance, VpcPart,
};
use jiff::{SignedDuration, Timestamp};

use crate::converge::snapshot::{LiveAccount, LiveConfig, LiveRegion, Seen, Snapshot};
use crate::desired::{
    self, BEING_MADE, CONFIG_NAME, CONFIG_ROLE, CONTROL_TOWER, MANAGED, MANAGED_TAG, normalized,
};
use crate::event::Cause;

/// How long a new account is left to Control Tower, and how long any account is waited for.
pub const READY_TIMEOUT: SignedDuration = SignedDuration::from_hours(1);

/// What is to be done in an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The account.
    pub account: AccountId,
    /// The account as a whole, which comes first, and each region of the baseline, which go side by side.
    pub parts: PerPlace<Part>,
}

/// What is to be done in one place, and where that place stands afterwards.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The actions, in order.
    pub actions: Vec<Action>,
    /// Where it stands once they are done.
    pub condition: Condition,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Make the role that AWS Config itself uses.
    CreateConfigRole,
    /// Make a role, not yet complete.
    CreateRole {
        /// Its name.
        name: RoleName,
        /// What it is.
        role: NewRole,
    },
    /// Change a role of Banto's.
    ChangeRole {
        /// Its name.
        name: RoleName,
        /// The change.
        change: RoleChange,
    },
    /// Replace the password policy.
    SetPasswordPolicy {
        /// What it is to be.
        policy: PasswordPolicy,
        /// What it was.
        replaces: Option<PasswordPolicy>,
    },
    /// Block public access to S3 for the whole account.
    BlockPublicAccess {
        /// How many of the four blocks are on.
        replaces: Option<u8>,
    },
    /// Replace an alternate contact.
    SetContact {
        /// Which.
        kind: ContactKind,
        /// Who it is to be.
        contact: Contact,
        /// Who it was.
        replaces: Option<Contact>,
    },
    /// Make or change a recorder.
    PutRecorder {
        /// What it is to be.
        recorder: Recorder,
        /// What it was.
        replaces: Option<Recorder>,
    },
    /// Make or change a delivery channel.
    PutChannel {
        /// What it is to be.
        channel: Channel,
        /// What it was.
        replaces: Option<Channel>,
    },
    /// Start a recorder.
    StartRecorder {
        /// Its name.
        name: String,
    },
    /// Encrypt new EBS volumes.
    EncryptEbs,
    /// Delete a part of an empty default VPC.
    DeleteVpcPart(VpcPart),
}

/// Decides what to do in an account.
pub fn plan(snapshot: &Snapshot, policy: &OnboardingPolicy, now: Timestamp) -> Plan {
    let account = &snapshot.account;
    let nothing = |condition| Plan {
        account: account.id.clone(),
        parts: PerPlace::of_account(Part {
            actions: Vec::new(),
            condition,
        }),
    };
    let baseline = match (
        account.state,
        policy.of(&account.id, &account.path, &snapshot.tags),
    ) {
        (AccountState::Suspended | AccountState::PendingClosure | AccountState::Closed, _) => {
            return nothing(Condition::LeftAlone {
                because: state(account.state).to_owned(),
            });
        }
        (_, Expected::LeftAlone(because)) => {
            return nothing(Condition::LeftAlone {
                because: because.to_owned(),
            });
        }
        (AccountState::PendingActivation, _) => {
            return nothing(
                Reason::new(ReasonKind::Initialising, "pending activation").condition(),
            );
        }
        (AccountState::Active, Expected::Baseline(baseline)) => baseline,
    };
    if waits_for_control_tower(snapshot, policy, now) {
        let reason = Reason::new(
            ReasonKind::ControlTowerSettingUp,
            "its CreateManagedAccount event is awaited",
        );
        return nothing(reason.condition());
    }
    let inside = match &snapshot.inside {
        Some(Ok(inside)) => inside,
        Some(Err(reason)) => return nothing(reason.clone().condition()),
        None => {
            return nothing(
                Reason::new(ReasonKind::Unavailable, "it was not looked at").condition(),
            );
        }
    };
    let context = Context {
        policy,
        baseline,
        account: &account.id,
    };
    let mut global = context.global(inside);
    let regions = match (&inside.regions, &snapshot.stack) {
        (Err(reason), _) => {
            global.reasons.push(reason.clone());
            BTreeMap::new()
        }
        (Ok(_), Some(Err(reason))) => {
            global.reasons.push(reason.clone());
            BTreeMap::new()
        }
        (Ok(views), Some(Ok(stack))) => {
            let part = |(region, view): (&Region, &LiveRegion)| {
                (
                    region.clone(),
                    context.region_of_stack(view, stack.get(region)).part(),
                )
            };
            views.iter().map(part).collect()
        }
        (Ok(views), None) => views
            .iter()
            .map(|(region, view)| (region.clone(), context.region(region, view).part()))
            .collect(),
    };
    Plan {
        account: account.id.clone(),
        parts: PerPlace {
            account: global.part(),
            regions,
        },
    }
}

/// A new account under Control Tower: its own set-up comes first, makes a recorder, and ends with an event of
/// its own. One that Control Tower does not manage after all is taken up after [`READY_TIMEOUT`].
fn waits_for_control_tower(snapshot: &Snapshot, policy: &OnboardingPolicy, now: Timestamp) -> bool {
    let has_recorder = |view: &LiveRegion| {
        let parts = view
            .config
            .as_ref()
            .and_then(|config| config.as_ref().ok()?.parts.as_ref());
        parts.is_some_and(|(recorders, _)| own(recorders).is_some())
    };
    let is_recorded = match &snapshot.inside {
        Some(Ok(LiveAccount {
            regions: Ok(regions),
            ..
        })) => regions.values().any(has_recorder),
        _ => false,
    };
    let is_new =
        snapshot.cause == Cause::Joined && now.duration_since(snapshot.since) < READY_TIMEOUT;
    policy.control_tower && is_new && !is_recorded
}

fn state(state: AccountState) -> &'static str {
    match state {
        AccountState::PendingActivation => "the account is not yet activated",
        AccountState::Active => "the account is active",
        AccountState::Suspended => "the account is suspended",
        AccountState::PendingClosure => "the account is being closed",
        AccountState::Closed => "the account is closed",
    }
}

/// A part while it is thought about.
#[derive(Default)]
struct Draft {
    actions: Vec<Action>,
    reasons: Vec<Reason>,
    drift: Vec<String>,
    left_alone: Option<String>,
}

impl Draft {
    /// What can't be mended counts most, then what may pass, then what is reported.
    fn part(self) -> Part {
        let worst = self
            .reasons
            .into_iter()
            .min_by_key(|reason| reason.kind.is_transient());
        let condition = match (worst, self.left_alone) {
            (Some(reason), _) => reason.condition(),
            (None, _) if !self.drift.is_empty() => Condition::Drifted { items: self.drift },
            (None, Some(because)) => Condition::LeftAlone { because },
            (None, None) => Condition::InPlace,
        };
        Part {
            actions: self.actions,
            condition,
        }
    }

    /// What was seen; a look that failed is a reason, and nothing is done on the word of it.
    fn seen<'a, T>(&mut self, seen: Option<&'a Seen<T>>) -> Option<&'a T> {
        match seen? {
            Ok(value) => Some(value),
            Err(reason) => {
                self.reasons.push(reason.clone());
                None
            }
        }
    }
}

/// What the parts are decided by.
struct Context<'a> {
    policy: &'a OnboardingPolicy,
    baseline: &'a Baseline,
    account: &'a AccountId,
}

impl Context<'_> {
    /// Repairs, or reports, as the policy says of this item.
    fn repair(&self, draft: &mut Draft, item: Item, differs: &str, action: Action) {
        if self.baseline.report_only.contains(&item) {
            draft.drift.push(differs.to_owned());
        } else {
            draft.actions.push(action);
        }
    }

    fn global(&self, inside: &LiveAccount) -> Draft {
        let mut draft = Draft::default();
        if let Some(roles) = draft.seen(inside.roles.as_ref()) {
            self.config_role(&mut draft, roles, inside);
            for (name, role) in &self.baseline.roles {
                self.role(&mut draft, name, role, LiveAccount::role(roles, name));
            }
        }
        if draft.seen(inside.config_role.as_ref()) == Some(&false) {
            draft.actions.push(Action::CreateConfigRole);
        }
        self.settings(&mut draft, inside);
        draft
    }

    /// The role that AWS Config itself uses, where a recorder of Banto's will need it.
    fn config_role(&self, draft: &mut Draft, roles: &[(LiveRole, i32)], inside: &LiveAccount) {
        let lacks_recorder = |view: &LiveRegion| match &view.config {
            Some(Ok(LiveConfig {
                parts: Some((recorders, _)),
                ..
            })) => own(recorders).is_none(),
            _ => false,
        };
        let is_needed = inside
            .regions
            .iter()
            .flat_map(BTreeMap::values)
            .any(lacks_recorder);
        if is_needed
            && !roles
                .iter()
                .any(|(role, _)| role.name.as_str() == CONFIG_ROLE)
        {
            draft.actions.push(Action::CreateConfigRole);
        }
    }

    fn role(
        &self,
        draft: &mut Draft,
        name: &RoleName,
        role: &Role,
        live: Option<&(LiveRole, i32)>,
    ) {
        let partition = self.policy.home_region.partition();
        let Some((live, session)) = live else {
            let new = desired::new_role(role, partition);
            draft.actions.push(Action::CreateRole {
                name: name.clone(),
                role: new,
            });
            let managed = role
                .managed_policies
                .iter()
                .map(|policy| RoleChange::Attach(policy.to_string()));
            let inline = role
                .inline_policies
                .iter()
                .map(|(id, policy)| RoleChange::PutInline(id.clone(), policy.clone()));
            let complete = RoleChange::Tag([(MANAGED_TAG.to_owned(), MANAGED.to_owned())].into());
            let changes = managed.chain(inline).chain([complete]);
            draft
                .actions
                .extend(changes.map(|change| Action::ChangeRole {
                    name: name.clone(),
                    change,
                }));
            return;
        };
        let Some(tag) = live.tags.get(MANAGED_TAG) else {
            let detail = format!("the role {name} has no tag {MANAGED_TAG}");
            draft
                .reasons
                .push(Reason::new(ReasonKind::ForeignRole, detail));
            return;
        };
        let changes = role_changes(role, live, *session, partition);
        if tag != BEING_MADE && self.baseline.report_only.contains(&Item::Roles) {
            draft.drift.extend(
                changes
                    .iter()
                    .map(|change| format!("role {name}: {}", change_words(change))),
            );
        } else {
            let action = |change| Action::ChangeRole {
                name: live.name.clone(),
                change,
            };
            draft.actions.extend(changes.into_iter().map(action));
        }
    }

    fn settings(&self, draft: &mut Draft, inside: &LiveAccount) {
        let settings = &self.baseline.settings;
        if let (Some(wanted), Some(live)) = (
            &settings.password_policy,
            draft.seen(inside.password_policy.as_ref()),
        ) && live.as_ref() != Some(wanted)
        {
            let action = Action::SetPasswordPolicy {
                policy: wanted.clone(),
                replaces: live.clone(),
            };
            self.set(
                draft,
                Item::PasswordPolicy,
                live.is_none(),
                "the password policy differs",
                action,
            );
        }
        if let Some(live) = draft.seen(inside.public_access_blocks.as_ref())
            && *live != Some(4)
        {
            let action = Action::BlockPublicAccess { replaces: *live };
            self.set(
                draft,
                Item::PublicAccessBlock,
                live.is_none(),
                "public access to S3 is not blocked",
                action,
            );
        }
        for (kind, contact) in &settings.contacts {
            let Some(live) = draft.seen(inside.contacts.get(kind)) else {
                continue;
            };
            if live.as_ref() != Some(contact) {
                let action = Action::SetContact {
                    kind: *kind,
                    contact: contact.clone(),
                    replaces: live.clone(),
                };
                let differs = format!("the {} contact differs", kind.as_str());
                self.set(draft, Item::Contacts, live.is_none(), &differs, action);
            }
        }
    }

    /// Sets what is absent; repairs or reports what differs.
    fn set(&self, draft: &mut Draft, item: Item, is_absent: bool, differs: &str, action: Action) {
        if is_absent {
            draft.actions.push(action)
        } else {
            self.repair(draft, item, differs, action)
        }
    }

    /// A region, the direct way.
    fn region(&self, region: &Region, view: &LiveRegion) -> Draft {
        let mut draft = Draft::default();
        if let Some(config) = enabled(&mut draft, view).and_then(|config| draft.seen(config)) {
            self.config(&mut draft, region, config);
        }
        self.region_settings(&mut draft, view);
        draft
    }

    /// Recorder before channel, channel before start: AWS wants it so.
    fn config(&self, draft: &mut Draft, region: &Region, view: &LiveConfig) {
        let Some((recorders, channels)) = &view.parts else {
            return;
        };
        let live = own(recorders);
        if let Some(live) = live.filter(|live| live.name.starts_with(CONTROL_TOWER)) {
            draft.left_alone = Some("Control Tower records it".to_owned());
            self.health(draft, view, &live.name);
            return;
        }
        let wanted = desired::recorder(self.policy, self.baseline, self.account, region);
        let wanted = match live {
            Some(live) if live.name != CONFIG_NAME => desired::extended_recorder(live, &wanted),
            _ => wanted,
        };
        if live != Some(&wanted) {
            let differs = format!("the recorder {} differs", wanted.name);
            let action = Action::PutRecorder {
                recorder: wanted.clone(),
                replaces: live.cloned(),
            };
            self.set(draft, Item::Config, live.is_none(), &differs, action);
        }
        let channel = channels.first();
        let name = channel.map_or(CONFIG_NAME, |channel| channel.name.as_str());
        let wanted_channel = desired::channel(&self.baseline.config, name);
        if channel != Some(&wanted_channel) {
            let differs = format!("the delivery channel {name} differs");
            let action = Action::PutChannel {
                channel: wanted_channel,
                replaces: channel.cloned(),
            };
            self.set(draft, Item::Config, channel.is_none(), &differs, action);
        }
        let status = view.statuses.get(&wanted.name);
        if !status.is_some_and(|status| status.recording) {
            let is_new = !status.is_some_and(|status| status.was_started);
            let differs = format!("the recorder {} is stopped", wanted.name);
            self.set(
                draft,
                Item::Config,
                is_new,
                &differs,
                Action::StartRecorder {
                    name: wanted.name.clone(),
                },
            );
        }
        if draft.actions.is_empty() {
            self.health(draft, view, &wanted.name);
        }
    }

    /// Whether what runs, runs well.
    fn health(&self, draft: &mut Draft, view: &LiveConfig, recorder: &str) {
        let failing = |detail: String| Reason::new(ReasonKind::DeliveryFailing, detail);
        match view.statuses.get(recorder) {
            Some(status) if status.recording => {
                let error = status
                    .error
                    .as_ref()
                    .map(|error| failing(format!("the recorder {recorder}: {error}")));
                draft.reasons.extend(error);
            }
            // Banto's own is started, or reported as stopped; this is one that Banto does not write to.
            _ if recorder.starts_with(CONTROL_TOWER) => {
                draft
                    .reasons
                    .push(failing(format!("the recorder {recorder} is stopped")));
            }
            _ => {}
        }
        let errors = view
            .channel_errors
            .iter()
            .filter_map(|(channel, error)| Some((channel, error.as_ref()?)));
        draft.reasons.extend(
            errors.map(|(channel, error)| {
                failing(format!("the delivery channel {channel}: {error}"))
            }),
        );
    }

    /// A region whose recorder CloudFormation sees to.
    fn region_of_stack(&self, view: &LiveRegion, instance: Option<&StackInstance>) -> Draft {
        let mut draft = Draft::default();
        let config = enabled(&mut draft, view).and_then(|config| draft.seen(config));
        self.region_settings(&mut draft, view);
        let pending = |detail: &str| Reason::new(ReasonKind::StackInstancePending, detail);
        let failed = |detail: &str| Reason::new(ReasonKind::StackInstanceFailed, detail);
        match (instance, config) {
            (None, _) => draft.reasons.push(pending("it was asked for")),
            (Some(StackInstance::Pending), _) => draft
                .reasons
                .push(pending("an operation on it is under way")),
            (Some(StackInstance::Failed(why) | StackInstance::Inoperable(why)), _) => {
                draft.reasons.push(failed(why))
            }
            (Some(instance @ (StackInstance::Current | StackInstance::Drifted)), Some(config)) => {
                if *instance == StackInstance::Drifted {
                    draft
                        .drift
                        .push("somebody changed what the stack had made".to_owned());
                }
                self.recording_of_stack(&mut draft, config);
            }
            (Some(StackInstance::Current | StackInstance::Drifted), None) => {}
        }
        draft
    }

    /// CloudFormation makes recorders; it neither sees that one was stopped nor starts it again.
    fn recording_of_stack(&self, draft: &mut Draft, view: &LiveConfig) {
        let mut recorders = view.statuses.iter();
        match recorders.next() {
            None => draft.reasons.push(Reason::new(
                ReasonKind::StackInstanceFailed,
                "the stack is current, but its recorder is gone; delete the stack instance, so that it is made anew",
            )),
            Some((name, status)) if !status.recording => {
                let differs = format!("the recorder {name} is stopped");
                self.repair(draft, Item::Config, &differs, Action::StartRecorder { name: name.clone() });
            }
            Some((name, _)) => self.health(draft, view, name),
        }
    }

    fn region_settings(&self, draft: &mut Draft, view: &LiveRegion) {
        if draft.seen(view.ebs_encryption.as_ref()) == Some(&false) {
            self.repair(
                draft,
                Item::EbsEncryption,
                "new EBS volumes are not encrypted",
                Action::EncryptEbs,
            );
        }
        if let Some(Some(vpc)) = draft.seen(view.default_vpc.as_ref()) {
            default_vpc(draft, vpc);
        }
    }
}

/// What is known of AWS Config, if the account can use the region.
fn enabled<'a>(draft: &mut Draft, view: &'a LiveRegion) -> Option<Option<&'a Seen<LiveConfig>>> {
    if view.state == Some(RegionState::Enabling) {
        draft.reasons.push(Reason::new(
            ReasonKind::RegionDisabled,
            "it is being enabled",
        ));
        return None;
    }
    Some(view.config.as_ref())
}

/// The customer-managed recorder, of which there is one at most.
pub(crate) fn own(recorders: &[LiveRecorder]) -> Option<&Recorder> {
    recorders
        .iter()
        .find(|recorder| recorder.service.is_none())
        .map(|recorder| &recorder.recorder)
}

/// Everything in which a role of Banto's differs from the baseline.
fn role_changes(
    role: &Role,
    live: &LiveRole,
    session: i32,
    partition: Partition,
) -> Vec<RoleChange> {
    let mut changes = Vec::new();
    let trust = desired::trust(role, partition);
    if normalized(&trust) != normalized(&live.trust) {
        changes.push(RoleChange::Trust(trust));
    }
    let wanted_session = desired::session_seconds(role);
    if session != wanted_session {
        changes.push(RoleChange::SessionSeconds(wanted_session));
    }
    match (&role.boundary, &live.boundary) {
        (Some(wanted), live) if live.as_deref() != Some(wanted.as_str()) => {
            changes.push(RoleChange::SetBoundary(wanted.to_string()));
        }
        (None, Some(_)) => changes.push(RoleChange::RemoveBoundary),
        _ => {}
    }
    let wanted: Vec<&str> = role
        .managed_policies
        .iter()
        .map(banto_domain::PolicyArn::as_str)
        .collect();
    let missing = wanted
        .iter()
        .filter(|policy| !live.managed_policies.contains(**policy));
    changes.extend(missing.map(|policy| RoleChange::Attach((*policy).to_owned())));
    let surplus = live
        .managed_policies
        .iter()
        .filter(|policy| !wanted.contains(&policy.as_str()));
    changes.extend(surplus.map(|policy| RoleChange::Detach(policy.clone())));
    for (name, policy) in &role.inline_policies {
        if live.inline_policies.get(name).map(normalized) != Some(normalized(policy)) {
            changes.push(RoleChange::PutInline(name.clone(), policy.clone()));
        }
    }
    let surplus = live
        .inline_policies
        .keys()
        .filter(|name| !role.inline_policies.contains_key(*name));
    changes.extend(surplus.map(|name| RoleChange::DeleteInline(name.clone())));
    // Last: it says that the role is complete. Tags of others stay.
    let tags: BTreeMap<String, String> = desired::tags(role)
        .into_iter()
        .filter(|(key, value)| live.tags.get(key) != Some(value))
        .collect();
    if !tags.is_empty() {
        changes.push(RoleChange::Tag(tags));
    }
    changes
}

/// Deletes a default VPC that is empty; one that is used is reported and stays.
fn default_vpc(draft: &mut Draft, vpc: &DefaultVpc) {
    if vpc.interfaces > 0 || !vpc.foreign.is_empty() {
        draft
            .drift
            .push(format!("the default VPC {} is used and stays", vpc.id));
        return;
    }
    let subnets = vpc
        .subnets
        .iter()
        .map(|subnet| VpcPart::Subnet(subnet.clone()));
    let gateways = vpc.gateways.iter().map(|id| VpcPart::Gateway {
        id: id.clone(),
        vpc: vpc.id.clone(),
    });
    let parts = subnets
        .chain(gateways)
        .chain([VpcPart::Vpc(vpc.id.clone())]);
    draft.actions.extend(parts.map(Action::DeleteVpcPart));
}

/// A change to a role in a few words, as a finding has it.
pub(crate) fn change_words(change: &RoleChange) -> String {
    match change {
        RoleChange::Trust(_) => "its trust policy differs".to_owned(),
        RoleChange::SessionSeconds(_) => "its longest session differs".to_owned(),
        RoleChange::Attach(policy) => format!("lacks {policy}"),
        RoleChange::Detach(policy) => format!("has {policy} besides"),
        RoleChange::PutInline(name, _) => format!("its inline policy {name} differs"),
        RoleChange::DeleteInline(name) => format!("has the inline policy {name} besides"),
        RoleChange::SetBoundary(_) | RoleChange::RemoveBoundary => {
            "its permissions boundary differs".to_owned()
        }
        RoleChange::Tag(_) => "its tags differ".to_owned(),
    }
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.parts.values().all(|part| part.actions.is_empty())
    }
}

#[cfg(test)]
mod tests;
