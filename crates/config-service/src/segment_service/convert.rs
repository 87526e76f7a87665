//! Registered segments and settings, in and out.

use std::collections::BTreeMap;

use activation::{InvalidField, names::WorkspaceName};
use chrono::{DateTime, Utc};
use contracts::{
    config::v1 as pb,
    convert::time::{time_in, time_out},
};

use crate::{
    connection_service::keep,
    governance::{MAX_NAMESPACE_LENGTH, field_path_in, segment_namespaces_out},
    segments::{
        MAX_FIELDS_PER_SEGMENT, MAX_SEGMENTS_PER_CALL, MemberCount, RegisteredSegment, SegmentName,
        SegmentSettings, UnknownSegments, Uses, namespace_or_default,
    },
};

const MAX_SEGMENT_LENGTH: usize = 255;
const MAX_NAME_LENGTH: usize = 255;
const MAX_DESCRIPTION_LENGTH: usize = 4_096;

/// Takes the segments of a call, and notes everything that is wrong with each.
pub(super) fn segments_in(
    messages: &[pb::RegisteredSegment],
    now: DateTime<Utc>,
    wrong: &mut Vec<InvalidField>,
) -> Vec<RegisteredSegment> {
    if messages.is_empty() || messages.len() > MAX_SEGMENTS_PER_CALL {
        wrong.push(InvalidField::new(
            "segments",
            format!(
                "{} were given and 1 to {MAX_SEGMENTS_PER_CALL} can be; register more with more calls",
                messages.len()
            ),
        ));
        return Vec::new();
    }
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut segments = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let path = format!("segments[{index}]");
        let mut wrong_here = Vec::new();
        let segment = segment_in(message, now, &mut wrong_here);
        if let Some(first) = first.get(message.segment.as_str()) {
            wrong_here.push(InvalidField::new(
                "segment",
                format!("is given twice, by segments[{first}] too; ids are unique over all namespaces"),
            ));
        } else {
            first.insert(&message.segment, index);
        }
        wrong.extend(wrong_here.into_iter().map(|invalid| invalid.below(&path)));
        segments.extend(segment);
    }
    segments
}

fn segment_in(
    message: &pb::RegisteredSegment,
    now: DateTime<Utc>,
    wrong: &mut Vec<InvalidField>,
) -> Option<RegisteredSegment> {
    let id = keep(text(&message.segment, "segment", MAX_SEGMENT_LENGTH), wrong);
    let namespace = namespace_or_default(&message.namespace);
    let namespace = keep(text(namespace, "namespace", MAX_NAMESPACE_LENGTH), wrong);
    let display_name = keep(
        text(&message.display_name, "display_name", MAX_NAME_LENGTH),
        wrong,
    );
    if message.description.chars().count() > MAX_DESCRIPTION_LENGTH {
        wrong.push(InvalidField::new(
            "description",
            format!("must be at most {MAX_DESCRIPTION_LENGTH} characters"),
        ));
    }
    let members = keep(members_in(message, now), wrong);
    if message.fields.len() > MAX_FIELDS_PER_SEGMENT {
        wrong.push(InvalidField::new(
            "fields",
            format!("must be at most {MAX_FIELDS_PER_SEGMENT}"),
        ));
    }
    let fields: Vec<String> = message
        .fields
        .iter()
        .enumerate()
        .filter_map(|(index, field)| keep(field_path_in(field, &format!("fields[{index}]")), wrong))
        .collect();
    Some(RegisteredSegment {
        segment: id?,
        namespace: namespace?,
        display_name: display_name?,
        description: message.description.clone(),
        members: members?,
        fields,
        create_time: now,
        update_time: now,
    })
}

fn text(text: &str, field: &str, longest: usize) -> Result<String, InvalidField> {
    if text.trim().is_empty() {
        return Err(InvalidField::new(field, "is required"));
    }
    if text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(InvalidField::new(
            field,
            format!("must be at most {longest} characters, none of them a control character"),
        ));
    }
    Ok(text.to_owned())
}

fn members_in(
    message: &pb::RegisteredSegment,
    now: DateTime<Utc>,
) -> Result<Option<MemberCount>, InvalidField> {
    let count_time = time_in(message.count_time, "count_time")?;
    let Some(all) = message.member_count else {
        return match message.consented_member_count {
            Some(_) => Err(InvalidField::new(
                "consented_member_count",
                "needs member_count, which it is a part of",
            )),
            None => Ok(None),
        };
    };
    if all < 0 {
        return Err(InvalidField::new("member_count", "must not be negative"));
    }
    if message
        .consented_member_count
        .is_some_and(|consented| consented < 0 || consented > all)
    {
        return Err(InvalidField::new(
            "consented_member_count",
            "must be from 0 to member_count",
        ));
    }
    Ok(Some(MemberCount {
        all,
        consented: message.consented_member_count,
        count_time: count_time.unwrap_or(now),
    }))
}

pub(super) fn segment_out(
    workspace: &WorkspaceName,
    segment: &RegisteredSegment,
    uses: &Uses,
) -> pb::RegisteredSegment {
    let name = SegmentName {
        workspace: workspace.clone(),
        segment: segment.segment.clone(),
    };
    pb::RegisteredSegment {
        name: name.to_string(),
        segment: segment.segment.clone(),
        namespace: segment.namespace.clone(),
        display_name: segment.display_name.clone(),
        description: segment.description.clone(),
        member_count: segment.members.map(|members| members.all),
        consented_member_count: segment.members.and_then(|members| members.consented),
        count_time: segment.members.map(|members| time_out(members.count_time)),
        fields: segment.fields.clone(),
        destinations: uses.get(&segment.segment).cloned().unwrap_or_default(),
        create_time: Some(time_out(segment.create_time)),
        update_time: Some(time_out(segment.update_time)),
    }
}

pub(super) fn unknown_segments_in(value: i32) -> Result<UnknownSegments, InvalidField> {
    match pb::UnknownSegments::try_from(value) {
        Ok(pb::UnknownSegments::Unspecified | pb::UnknownSegments::AcceptUntilRegistered) => {
            Ok(UnknownSegments::AcceptUntilRegistered)
        }
        Ok(pb::UnknownSegments::Accept) => Ok(UnknownSegments::Accept),
        Ok(pb::UnknownSegments::Refuse) => Ok(UnknownSegments::Refuse),
        Err(_) => Err(InvalidField::new(
            "settings.unknown_segments",
            "must be ACCEPT_UNTIL_REGISTERED, ACCEPT or REFUSE",
        )),
    }
}

pub(super) fn settings_out(workspace: &WorkspaceName, settings: &SegmentSettings) -> pb::SegmentSettings {
    let unknown_segments = match settings.unknown_segments {
        UnknownSegments::AcceptUntilRegistered => pb::UnknownSegments::AcceptUntilRegistered,
        UnknownSegments::Accept => pb::UnknownSegments::Accept,
        UnknownSegments::Refuse => pb::UnknownSegments::Refuse,
    };
    pb::SegmentSettings {
        name: format!("{workspace}/segmentSettings"),
        unknown_segments: unknown_segments.into(),
        segment_namespaces: segment_namespaces_out(&settings.namespaces),
        has_registered_segments: settings.has_registered,
        etag: settings.version.to_string(),
    }
}
