//! The platform's segments, as the control plane registers them, and what a
//! workspace does with them.

mod check;
mod settings;
mod store;

use std::{fmt, str::FromStr};

use activation::{
    InvalidField, destination::SegmentActivation, names::WorkspaceName, profile::PLATFORM_SEGMENT_NAMESPACE,
};
use chrono::{DateTime, Utc};

pub(crate) use self::{check::problems, settings::settings_of, store::registered_of};
pub use self::{
    settings::{SegmentNamespaces, SegmentSettings, SettingsChange, UnknownSegments},
    store::{SegmentFilter, SegmentUse, Uses},
};

/// Most segments in one call.
pub const MAX_SEGMENTS_PER_CALL: usize = 1_000;
/// Most fields of one segment's rule.
pub const MAX_FIELDS_PER_SEGMENT: usize = 500;

/// What the control plane says of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSegment {
    /// The platform's segment id.
    pub segment: String,
    pub namespace: String,
    pub display_name: String,
    pub description: String,
    pub members: Option<MemberCount>,
    /// Paths of the fields that its rule uses.
    pub fields: Vec<String>,
    pub create_time: DateTime<Utc>,
    pub update_time: DateTime<Utc>,
}

/// How many profiles are members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberCount {
    pub all: i64,
    /// `None`: not told.
    pub consented: Option<i64>,
    pub count_time: DateTime<Utc>,
}

impl RegisteredSegment {
    /// Returns what a person would call the segment: the destination's own name
    /// for it, or the registered one.
    pub fn shown_name<'a>(&'a self, activated: &'a SegmentActivation) -> &'a str {
        if activated.display_name.is_empty() {
            &self.display_name
        } else {
            &activated.display_name
        }
    }

    #[cfg(test)]
    pub(crate) fn example(segment: &str, fields: Vec<String>) -> Self {
        Self {
            segment: segment.to_owned(),
            namespace: PLATFORM_SEGMENT_NAMESPACE.to_owned(),
            display_name: format!("The {segment}"),
            description: String::new(),
            members: None,
            fields,
            create_time: DateTime::UNIX_EPOCH,
            update_time: DateTime::UNIX_EPOCH,
        }
    }
}

/// A registered segment: `workspaces/{workspace}/segments/{segment}`. The
/// platform chooses the id, so it may hold anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentName {
    pub workspace: WorkspaceName,
    pub segment: String,
}

impl fmt::Display for SegmentName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/segments/{}", self.workspace, self.segment)
    }
}

impl FromStr for SegmentName {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        text.split_once("/segments/")
            .filter(|(_, segment)| !segment.is_empty())
            .and_then(|(workspace, segment)| {
                Some(Self {
                    workspace: workspace.parse().ok()?,
                    segment: segment.to_owned(),
                })
            })
            .ok_or_else(|| {
                InvalidField::new(
                    "name",
                    "is not a name of the form workspaces/{workspace}/segments/{segment}",
                )
            })
    }
}

/// Returns the namespace that an empty one stands for.
pub fn namespace_or_default(namespace: &str) -> &str {
    if namespace.is_empty() {
        PLATFORM_SEGMENT_NAMESPACE
    } else {
        namespace
    }
}
