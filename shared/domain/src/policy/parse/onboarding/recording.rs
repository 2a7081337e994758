//! Reads `[onboarding.config]`.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeValue;

use super::super::values::{bucket, integer, one_of, parsed, text, words};
use super::places::Places;
use crate::policy::onboarding::{
    CONTINUOUS_TYPES, Frequency, GLOBAL_TYPES, LATE_REGIONS, Recording, SYSTEM_TYPE,
    SnapshotFrequency, Types,
};
use crate::policy::section::Section;
use crate::{Region, ResourceType, TopicArn};

pub(super) fn recording(
    mut section: Section<'_, '_>,
    otherwise: Option<&Recording>,
    places: Places<'_>,
) -> Option<Recording> {
    let types = types(&mut section).or(otherwise.map(|otherwise| otherwise.types.clone()));
    let own_frequency = section.read("frequency", frequency);
    let frequency_of = frequency_of(&mut section, otherwise);
    let snapshots = section.read("snapshot_hours", snapshot_frequency);
    let bucket = if otherwise.is_none() {
        section.require("bucket", bucket)
    } else {
        section.read("bucket", bucket)
    };
    let prefix = section.read("prefix", words);
    let kms_key = section.read("kms_key", parsed);
    let topics = topics(&mut section, places)
        .or_else(|| otherwise.map(|otherwise| otherwise.topics.clone()));
    let recording = Recording {
        types: types.unwrap_or(Types::All),
        frequency: own_frequency
            .or(otherwise.map(|otherwise| otherwise.frequency))
            .unwrap_or(Frequency::Continuous),
        frequency_of,
        snapshots: snapshots
            .or(otherwise.map(|otherwise| otherwise.snapshots))
            .unwrap_or(SnapshotFrequency::TwentyFourHours),
        // Without one there is no recording, but its other problems are told nonetheless.
        bucket: String::new(),
        prefix: prefix.or_else(|| otherwise.and_then(|otherwise| otherwise.prefix.clone())),
        kms_key: kms_key.or_else(|| otherwise.and_then(|otherwise| otherwise.kms_key.clone())),
        topics: topics.unwrap_or_default(),
    };
    must_be_recordable(&section, &recording, places);
    section.finish();
    let bucket = bucket.or_else(|| otherwise.map(|otherwise| otherwise.bucket.clone()));
    bucket.map(|bucket| Recording {
        bucket,
        ..recording
    })
}

/// The recorded types, if the section speaks of them.
fn types(section: &mut Section<'_, '_>) -> Option<Types> {
    let only: BTreeSet<_> = section
        .read_each("only_types", named_type)
        .into_iter()
        .collect();
    let all_but: BTreeSet<_> = section
        .read_each("all_but_types", named_type)
        .into_iter()
        .collect();
    match (section.has("only_types"), section.has("all_but_types")) {
        (false, false) => None,
        (true, false) => {
            if only.is_empty() {
                section.problem_of("only_types", "must name at least one type");
            }
            Some(Types::Only(only))
        }
        (false, true) if all_but.is_empty() => Some(Types::All),
        (false, true) => Some(Types::AllBut(all_but)),
        (true, true) => {
            section.problem("must have `only_types` or `all_but_types`, not both");
            None
        }
    }
}

/// Types with a frequency of their own: those of everyone's baseline, with those of the section.
fn frequency_of(
    section: &mut Section<'_, '_>,
    otherwise: Option<&Recording>,
) -> BTreeMap<ResourceType, Frequency> {
    let key = "frequency_of";
    let mut found =
        otherwise.map_or_else(BTreeMap::new, |otherwise| otherwise.frequency_of.clone());
    for (name, value) in section.entries(key) {
        let frequency = frequency(value.get_ref());
        match (nameable(name), frequency) {
            (Ok(of), Ok(Frequency::Daily)) if CONTINUOUS_TYPES.contains(&of.as_str()) => {
                section.problem_at(
                    value,
                    key,
                    format_args!("is wrong: {of} can't be recorded daily, says AWS Config"),
                );
            }
            (Ok(of), Ok(frequency)) => drop(found.insert(of, frequency)),
            (Err(why), _) => section.problem_at(value, key, why),
            (_, Err(why)) => section.problem_at(value, key, format_args!("({name}) {why}")),
        }
    }
    found
}

/// The topics by their regions, if the section speaks of them.
fn topics(section: &mut Section<'_, '_>, places: Places<'_>) -> Option<BTreeMap<Region, TopicArn>> {
    let key = "topics";
    let mut topics = BTreeMap::new();
    for value in section.each(key) {
        let (region, topic) = match topic(value.get_ref()) {
            Ok(found) => found,
            Err(why) => {
                section.problem_at(value, key, why);
                continue;
            }
        };
        if places
            .regions
            .is_some_and(|regions| !regions.contains(&region))
        {
            section.problem_at(
                value,
                key,
                format_args!("is of {region}, which is not in `regions`: AWS Config takes topics of a channel's own region only"),
            );
        }
        if let Some(first) = topics.insert(region.clone(), topic) {
            section.problem_at(
                value,
                key,
                format_args!("is of {region}, like {first}: a region has one topic at the most"),
            );
        }
    }
    section.has(key).then_some(topics)
}

fn topic(value: &DeValue<'_>) -> Result<(Region, TopicArn), String> {
    let topic: TopicArn = parsed(value)?;
    let region = topic.region().parse();
    let region = region.map_err(|error| format!("is wrong: {error}"))?;
    Ok((region, topic))
}

/// Notes what AWS Config would refuse to record like this in some region.
pub(super) fn must_be_recordable(
    section: &Section<'_, '_>,
    recording: &Recording,
    places: Places<'_>,
) {
    let types = &recording.types;
    let is_daily = recording.frequency == Frequency::Daily;
    // With all types AWS Config sets these to continuous by itself. (AWS Config API reference,
    // `RecordingMode`.)
    if is_daily && *types != Types::All {
        for name in CONTINUOUS_TYPES {
            let mut own = recording.frequency_of.keys();
            let is_set = own.any(|of| of.as_str() == name);
            if types.include(name) && !is_set {
                section.problem_of(
                    "frequency",
                    format_args!("can't be daily for {name}, says AWS Config: make it \"continuous\" in `frequency_of`, or don't record it"),
                );
            }
        }
    }
    let is_global = |name: &ResourceType| GLOBAL_TYPES.contains(&name.as_str());
    if let Types::Only(names) = types
        && !names.is_empty()
        && names.iter().all(is_global)
        && !places.is_home_alone()
    {
        section.problem_of(
            "only_types",
            "names IAM's global types only, which are recorded in `home_region`: name another type, or make that the one region of `regions`",
        );
    }
    if let Some(home) = places.home
        && LATE_REGIONS.contains(&home.as_str())
        && GLOBAL_TYPES.iter().any(|name| types.include(name))
    {
        section.problem(format_args!(
            "IAM's global types can't be recorded in `home_region` ({home}), says AWS Config: choose a region that it came to before February 2022, or record none of {}",
            GLOBAL_TYPES.join(", ")
        ));
    }
}

// --- Values ------------------------------------------------------------------------------------

fn frequency(value: &DeValue<'_>) -> Result<Frequency, String> {
    one_of(
        value,
        &[
            ("continuous", Frequency::Continuous),
            ("daily", Frequency::Daily),
        ],
    )
}

fn snapshot_frequency(value: &DeValue<'_>) -> Result<SnapshotFrequency, String> {
    let found = integer(value, 1..=24)?;
    let mut known = SnapshotFrequency::ALL.into_iter();
    let known = known.find(|(hours, _)| *hours == found);
    known
        .map(|(_, frequency)| frequency)
        .ok_or_else(|| format!("must be 1, 3, 6, 12 or 24, but is {found}"))
}

fn named_type(value: &DeValue<'_>) -> Result<ResourceType, String> {
    nameable(&text(value)?)
}

/// A type that a recorder may name.
fn nameable(name: &str) -> Result<ResourceType, String> {
    if name == SYSTEM_TYPE {
        return Err(format!(
            "must not be {name}, which AWS Config always records: leave it out"
        ));
    }
    name.parse().map_err(|error| format!("is wrong: {error}"))
}
