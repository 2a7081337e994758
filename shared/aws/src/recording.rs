//! AWS Config, in each region of an account.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_config::Client;
use aws_sdk_config::types::{
    ConfigSnapshotDeliveryProperties, ConfigurationRecorder, DeliveryChannel,
    DeliveryChannelStatus, DeliveryStatus, ExclusionByResourceTypes, MaximumExecutionFrequency,
    RecorderStatus as LastStatus, RecordingFrequency, RecordingGroup as Group, RecordingMode,
    RecordingModeOverride, RecordingStrategy, RecordingStrategyType, ResourceType,
};
use banto_domain::Region;
use banto_ports::{
    Channel, ChannelStatus, ConfigRecording, LiveRecorder, PortError, Recorder, RecorderStatus,
    RecordingGroup,
};

use crate::config::Aws;
use crate::errors::{lacking, port_error};
use crate::keys::timestamp;
use crate::service::Service;
use crate::token_bucket::TokenBucket;

/// Calls a second in one account. AWS publishes no rate for these calls of AWS Config; what it
/// throttles at this one, the SDK tries again.
const CALLS_PER_SECOND: u32 = 10;
/// Calls that go at once: as many as a look at one account makes.
const BURST: u32 = 20;

/// AWS Config of an account whose role was assumed.
#[derive(Debug)]
pub(crate) struct ConfigRecorders {
    aws: Aws,
    calls: TokenBucket,
}

impl ConfigRecorders {
    pub(crate) fn new(aws: Aws) -> Self {
        Self {
            aws,
            calls: TokenBucket::per_second(CALLS_PER_SECOND, BURST),
        }
    }

    /// The client of a region, after a turn; made anew for each call, which costs microseconds.
    async fn client(&self, region: &Region) -> Client {
        self.calls.acquire().await;
        Client::new(&self.aws.in_region(Service::Config, region.as_str()))
    }
}

#[async_trait]
impl ConfigRecording for ConfigRecorders {
    async fn recorders(&self, region: &Region) -> Result<Vec<LiveRecorder>, PortError> {
        const CALL: &str = "config:DescribeConfigurationRecorders";
        let answer = self
            .client(region)
            .await
            .describe_configuration_recorders()
            .send()
            .await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        Ok(answer
            .configuration_recorders()
            .iter()
            .map(live_recorder)
            .collect())
    }

    async fn recorder_statuses(
        &self,
        region: &Region,
    ) -> Result<BTreeMap<String, RecorderStatus>, PortError> {
        const CALL: &str = "config:DescribeConfigurationRecorderStatus";
        let answer = self
            .client(region)
            .await
            .describe_configuration_recorder_status()
            .send()
            .await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        let mut statuses = BTreeMap::new();
        for status in answer.configuration_recorders_status() {
            let failed = is_failure(status.last_status().map(LastStatus::as_str));
            let error =
                failed.then(|| words(status.last_error_code(), status.last_error_message()));
            let started_at = status.last_start_time().map(|at| timestamp(CALL, at));
            let status_of = RecorderStatus {
                recording: status.recording,
                started_at: started_at.transpose()?,
                error,
            };
            statuses.insert(status.name().unwrap_or_default().to_owned(), status_of);
        }
        Ok(statuses)
    }

    async fn channels(&self, region: &Region) -> Result<Vec<Channel>, PortError> {
        const CALL: &str = "config:DescribeDeliveryChannels";
        let answer = self
            .client(region)
            .await
            .describe_delivery_channels()
            .send()
            .await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        let channels = answer.delivery_channels().iter().map(|channel| {
            let snapshots = channel
                .config_snapshot_delivery_properties()
                .and_then(|properties| properties.delivery_frequency());
            Channel {
                name: channel.name().unwrap_or_default().to_owned(),
                bucket: channel.s3_bucket_name().unwrap_or_default().to_owned(),
                prefix: some(channel.s3_key_prefix()),
                kms_key: some(channel.s3_kms_key_arn()),
                topic: some(channel.sns_topic_arn()),
                snapshots: snapshots.map(|frequency| frequency.as_str().to_owned()),
            }
        });
        Ok(channels.collect())
    }

    async fn channel_statuses(
        &self,
        region: &Region,
    ) -> Result<BTreeMap<String, ChannelStatus>, PortError> {
        const CALL: &str = "config:DescribeDeliveryChannelStatus";
        let answer = self
            .client(region)
            .await
            .describe_delivery_channel_status()
            .send()
            .await;
        let answer = answer.map_err(|error| port_error(CALL, &error))?;
        let mut statuses = BTreeMap::new();
        for status in answer.delivery_channels_status() {
            let name = status.name().unwrap_or_default().to_owned();
            statuses.insert(name, channel_status(CALL, status)?);
        }
        Ok(statuses)
    }

    async fn put_recorder(&self, region: &Region, recorder: &Recorder) -> Result<(), PortError> {
        const CALL: &str = "config:PutConfigurationRecorder";
        let request = self.client(region).await.put_configuration_recorder();
        let request = request.configuration_recorder(aws_recorder(CALL, recorder)?);
        request
            .send()
            .await
            .map_err(|error| port_error(CALL, &error))?;
        Ok(())
    }

    async fn put_channel(&self, region: &Region, channel: &Channel) -> Result<(), PortError> {
        const CALL: &str = "config:PutDeliveryChannel";
        let snapshots = channel.snapshots.as_deref().map(|frequency| {
            let frequency = MaximumExecutionFrequency::from(frequency);
            ConfigSnapshotDeliveryProperties::builder()
                .delivery_frequency(frequency)
                .build()
        });
        let channel = DeliveryChannel::builder()
            .name(&channel.name)
            .s3_bucket_name(&channel.bucket)
            .set_s3_key_prefix(channel.prefix.clone())
            .set_s3_kms_key_arn(channel.kms_key.clone())
            .set_sns_topic_arn(channel.topic.clone())
            .set_config_snapshot_delivery_properties(snapshots)
            .build();
        let sent = self
            .client(region)
            .await
            .put_delivery_channel()
            .delivery_channel(channel)
            .send()
            .await;
        sent.map_err(|error| port_error(CALL, &error))?;
        Ok(())
    }

    async fn start(&self, region: &Region, recorder: &str) -> Result<(), PortError> {
        const CALL: &str = "config:StartConfigurationRecorder";
        let request = self
            .client(region)
            .await
            .start_configuration_recorder()
            .configuration_recorder_name(recorder);
        request
            .send()
            .await
            .map_err(|error| port_error(CALL, &error))?;
        Ok(())
    }
}

fn some(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn words(code: Option<&str>, message: Option<&str>) -> String {
    match (some(code), some(message)) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "AWS Config gives no reason".to_owned(),
    }
}

fn channel_status(
    call: &'static str,
    status: &DeliveryChannelStatus,
) -> Result<ChannelStatus, PortError> {
    let snapshots = status.config_snapshot_delivery_info();
    let last = snapshots.and_then(|info| info.last_successful_time());
    Ok(ChannelStatus {
        error: delivery_error(status),
        last_snapshot: last.map(|at| timestamp(call, at)).transpose()?,
    })
}

/// True of a status that says that something failed. The API's model spells it `Failure`; AWS
/// Config writes `FAILURE`. (AWS Config developer guide, "Viewing the delivery channel's status".)
fn is_failure(status: Option<&str>) -> bool {
    status.is_some_and(|status| status.eq_ignore_ascii_case("failure"))
}

/// The first delivery that failed, of snapshots, history and stream.
fn delivery_error(status: &DeliveryChannelStatus) -> Option<String> {
    let exports = [
        status.config_snapshot_delivery_info(),
        status.config_history_delivery_info(),
    ];
    let failed = exports
        .into_iter()
        .flatten()
        .find(|info| is_failure(info.last_status().map(DeliveryStatus::as_str)));
    let failed = failed.map(|info| words(info.last_error_code(), info.last_error_message()));
    let stream = status.config_stream_delivery_info();
    let stream = stream.filter(|info| is_failure(info.last_status().map(DeliveryStatus::as_str)));
    failed.or_else(|| stream.map(|info| words(info.last_error_code(), info.last_error_message())))
}

fn live_recorder(recorder: &ConfigurationRecorder) -> LiveRecorder {
    let mode = recorder.recording_mode();
    let overrides = mode
        .into_iter()
        .flat_map(|mode| mode.recording_mode_overrides());
    let continuous_of = overrides.flat_map(|own| {
        let is_continuous = own.recording_frequency() == &RecordingFrequency::Continuous;
        own.resource_types()
            .iter()
            .map(move |name| (name.as_str().to_owned(), is_continuous))
    });
    LiveRecorder {
        recorder: Recorder {
            name: recorder.name().unwrap_or_default().to_owned(),
            role: recorder.role_arn().unwrap_or_default().to_owned(),
            group: recorder
                .recording_group()
                .map_or(RecordingGroup::All { with_global: false }, group),
            // A recorder that says nothing of it records each change.
            continuous: mode
                .is_none_or(|mode| mode.recording_frequency() == &RecordingFrequency::Continuous),
            continuous_of: continuous_of.collect(),
        },
        service: some(recorder.service_principal()),
    }
}

/// The strategy says which of the fields counts; recorders from before there was one have none.
fn group(group: &Group) -> RecordingGroup {
    let names = |types: &[ResourceType]| {
        types
            .iter()
            .map(|name| name.as_str().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let strategy = group
        .recording_strategy()
        .and_then(RecordingStrategy::use_only);
    let excluded = group
        .exclusion_by_resource_types()
        .map(ExclusionByResourceTypes::resource_types);
    match strategy {
        Some(RecordingStrategyType::ExclusionByResourceTypes) => {
            RecordingGroup::AllBut(names(excluded.unwrap_or_default()))
        }
        Some(RecordingStrategyType::InclusionByResourceTypes) => {
            RecordingGroup::Only(names(group.resource_types()))
        }
        _ if group.all_supported => RecordingGroup::All {
            with_global: group.include_global_resource_types,
        },
        _ => RecordingGroup::Only(names(group.resource_types())),
    }
}

fn aws_recorder(
    call: &'static str,
    recorder: &Recorder,
) -> Result<ConfigurationRecorder, PortError> {
    let frequency = |continuous: bool| {
        if continuous {
            RecordingFrequency::Continuous
        } else {
            RecordingFrequency::Daily
        }
    };
    let mut mode = RecordingMode::builder().recording_frequency(frequency(recorder.continuous));
    // AWS allows one override. (AWS Config API reference, `RecordingMode`.) There are two
    // frequencies, so that one holds every type that has not the recorder's own.
    let others = recorder
        .continuous_of
        .iter()
        .filter(|(_, own)| **own != recorder.continuous);
    let others: Vec<ResourceType> = others
        .map(|(name, _)| ResourceType::from(name.as_str()))
        .collect();
    if !others.is_empty() {
        let own = RecordingModeOverride::builder().set_resource_types(Some(others));
        let own = own.recording_frequency(frequency(!recorder.continuous));
        let own = own.build();
        mode =
            mode.recording_mode_overrides(own.map_err(|_| lacking(call, "an override's types"))?);
    }
    let mode = mode.build().map_err(|_| lacking(call, "a frequency"))?;
    Ok(ConfigurationRecorder::builder()
        .name(&recorder.name)
        .role_arn(&recorder.role)
        .recording_group(aws_group(&recorder.group))
        .recording_mode(mode)
        .build())
}

fn aws_group(group: &RecordingGroup) -> Group {
    let names = |types: &BTreeSet<String>| {
        types
            .iter()
            .map(|name| ResourceType::from(name.as_str()))
            .collect()
    };
    let strategy = |strategy| RecordingStrategy::builder().use_only(strategy).build();
    let builder = Group::builder();
    match group {
        RecordingGroup::All { with_global } => builder
            .all_supported(true)
            .include_global_resource_types(*with_global)
            .recording_strategy(strategy(RecordingStrategyType::AllSupportedResourceTypes)),
        RecordingGroup::Only(types) => builder
            .all_supported(false)
            .set_resource_types(Some(names(types)))
            .recording_strategy(strategy(RecordingStrategyType::InclusionByResourceTypes)),
        RecordingGroup::AllBut(types) => builder
            .all_supported(false)
            .exclusion_by_resource_types(
                ExclusionByResourceTypes::builder()
                    .set_resource_types(Some(names(types)))
                    .build(),
            )
            .recording_strategy(strategy(RecordingStrategyType::ExclusionByResourceTypes)),
    }
    .build()
}
