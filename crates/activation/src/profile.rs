//! A profile update, as the rules of this crate see it.

use chrono::{DateTime, Utc};

/// One changed profile.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProfileUpdate {
    /// The producer's name for the update; may be empty.
    pub update_id: String,
    /// When the profile changed; `None` means when it was accepted.
    pub event_time: Option<DateTime<Utc>>,
    pub identities: Vec<Identity>,
    pub attributes: Vec<Attribute>,
    pub memberships: Vec<SegmentMembership>,
    pub consent: Consent,
    pub deleted: bool,
    pub backfill: bool,
    pub force: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub namespace: String,
    pub id: String,
    pub primary: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Dotted, for example `person.name.lastName`.
    pub path: String,
    pub value: AttributeValue,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// Emptied on purpose: blanks the field. Not the same as an absent attribute.
    Null,
    Boolean(bool),
    Integer(i64),
    /// Always finite.
    Number(f64),
    Text(String),
    /// An array, which no Salesforce field can hold.
    Array,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentMembership {
    pub namespace: String,
    pub segment: String,
    pub status: SegmentStatus,
    /// When the status began; `None` means the update's event time.
    pub last_qualification_time: Option<DateTime<Utc>>,
    /// After this the membership is taken as exited.
    pub valid_until: Option<DateTime<Utc>>,
}

/// The namespace of the platform's own segments.
pub const PLATFORM_SEGMENT_NAMESPACE: &str = "ups";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SegmentStatus {
    Realized,
    Existing,
    Exited,
}

impl SegmentStatus {
    /// Returns the text that the platform uses, which is what Salesforce receives.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Realized => "realized",
            Self::Existing => "existing",
            Self::Exited => "exited",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Realized, Self::Existing, Self::Exited]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consent {
    #[default]
    Granted,
    Withdrawn,
}

/// What a profile has at a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Found<'a> {
    Absent,
    Value(&'a AttributeValue),
    /// The path leads to an object: there are attributes below it.
    Object,
}

impl ProfileUpdate {
    /// Looks up an attribute. Of two with one path the later one counts.
    pub fn attribute(&self, path: &str) -> Found<'_> {
        if let Some(attribute) = self
            .attributes
            .iter()
            .rev()
            .find(|attribute| attribute.path == path)
        {
            return Found::Value(&attribute.value);
        }
        let is_object = self.attributes.iter().any(|attribute| {
            attribute
                .path
                .strip_prefix(path)
                .is_some_and(|deeper| deeper.starts_with('.'))
        });
        if is_object { Found::Object } else { Found::Absent }
    }
}
