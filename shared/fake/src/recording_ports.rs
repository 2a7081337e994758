//! AWS Config of an account whose role a run has assumed.

use std::collections::BTreeMap;

use async_trait::async_trait;
use banto_domain::{AccountId, Region, RoleName};
use banto_ports::{
    Channel, ChannelStatus, ConfigRecording, ErrorKind, LiveRecorder, PortError, Recorder,
    RecorderStatus,
};
use serde_json::json;

use crate::account_ports::{AccountSession, InRegion};
use crate::lag::{Effect, Reader};
use crate::requests::recording as requests;
use crate::role_ports::CONFIG_ROLE;
use crate::world::{State, parsed};

#[async_trait]
impl ConfigRecording for AccountSession {
    async fn recorders(&self, region: &Region) -> Result<Vec<LiveRecorder>, PortError> {
        let call = InRegion("config:DescribeConfigurationRecorders", region, json!({}));
        self.read_in(call, Reader::DescribeConfigurationRecorders, |view| {
            view.recorder.iter().cloned().collect()
        })
        .await
    }

    async fn recorder_statuses(
        &self,
        region: &Region,
    ) -> Result<BTreeMap<String, RecorderStatus>, PortError> {
        let call = "config:DescribeConfigurationRecorderStatus";
        let call = InRegion(call, region, json!({}));
        self.read_in(call, Reader::DescribeConfigurationRecorders, |view| {
            let recorder = view.recorder.as_ref();
            let name = recorder.map(|recorder| recorder.recorder.name.clone());
            name.into_iter().zip(view.status.clone()).collect()
        })
        .await
    }

    async fn channels(&self, region: &Region) -> Result<Vec<Channel>, PortError> {
        let call = InRegion("config:DescribeDeliveryChannels", region, json!({}));
        self.read_in(call, Reader::DescribeDeliveryChannels, |view| {
            view.channel.iter().cloned().collect()
        })
        .await
    }

    async fn channel_statuses(
        &self,
        region: &Region,
    ) -> Result<BTreeMap<String, ChannelStatus>, PortError> {
        let call = InRegion("config:DescribeDeliveryChannelStatus", region, json!({}));
        self.read_in(call, Reader::DescribeDeliveryChannels, |view| {
            let channel = view.channel.iter();
            let statuses = channel.map(|channel| channel.name.clone());
            let statuses = statuses.map(|name| (name, view.channel_status.clone()));
            statuses.collect()
        })
        .await
    }

    async fn put_recorder(&self, region: &Region, recorder: &Recorder) -> Result<(), PortError> {
        const CALL: &str = "config:PutConfigurationRecorder";
        let request = requests::recorder(recorder);
        self.ask_in(InRegion(CALL, region, request), |state| {
            let view = state.org.region(CALL, &self.account, region)?;
            view.check_recorder(recorder)?;
            if is_service_linked(&recorder.role) && !state.config_role_works(&self.account) {
                let code = "InvalidRoleException";
                return Err(PortError::new(ErrorKind::NotReady, CALL, code));
            }
            let view = state.org.region(CALL, &self.account, region)?;
            view.put_recorder(recorder);
            Ok(())
        })
        .await
    }

    async fn put_channel(&self, region: &Region, channel: &Channel) -> Result<(), PortError> {
        const CALL: &str = "config:PutDeliveryChannel";
        let request = requests::delivery_channel(channel);
        self.ask_in(InRegion(CALL, region, request), |state| {
            let view = state.org.region(CALL, &self.account, region)?;
            view.check_channel(region, channel)?;
            let recorder = view.recorder.as_ref();
            let waits_for_role =
                recorder.is_some_and(|recorder| is_service_linked(&recorder.recorder.role));
            let is_refused = (waits_for_role && !state.config_role_works(&self.account))
                || !state.bucket_lets_in(&self.account);
            if is_refused {
                let message = "InsufficientDeliveryPolicyException: Insufficient delivery policy \
                               to the bucket";
                return Err(PortError::new(ErrorKind::Invalid, CALL, message));
            }
            let view = state.org.region(CALL, &self.account, region)?;
            view.channel = Some(channel.clone());
            Ok(())
        })
        .await
    }

    async fn start(&self, region: &Region, recorder: &str) -> Result<(), PortError> {
        const CALL: &str = "config:StartConfigurationRecorder";
        let request = json!({ "ConfigurationRecorderName": recorder });
        self.ask_in(InRegion(CALL, region, request), |state| {
            let now = state.now;
            let view = state.org.region(CALL, &self.account, region)?;
            view.start_recorder(recorder, now)
        })
        .await
    }
}

fn is_service_linked(role: &str) -> bool {
    role.ends_with(&format!("/{CONFIG_ROLE}"))
}

impl State {
    /// True if AWS Config can assume the role that it makes for itself: not while that is young,
    /// nor if there is none.
    fn config_role_works(&self, account: &AccountId) -> bool {
        let name: RoleName = parsed(CONFIG_ROLE);
        let member = self.org.accounts.get(account);
        let is_there = member.is_some_and(|member| member.roles.contains_key(&name));
        let made_at = self.org.roles_made.get(&(account.clone(), name));
        is_there && made_at.is_none_or(|at| self.has_effect(Effect::ConfigRole, *at))
    }

    /// True if the policy of the log archive's bucket knows the account by now.
    fn bucket_lets_in(&self, account: &AccountId) -> bool {
        let member = self.org.accounts.get(account);
        let joined_at = member.and_then(|member| member.org.joined_at);
        joined_at.is_none_or(|at| self.has_effect(Effect::BucketPolicy, at))
    }
}
