//! Resource names, after AIP-122: `workspaces/{workspace}/destinations/{id}`.

use std::{fmt, str::FromStr};

use crate::InvalidField;

/// Longest id of a resource, in characters. Source: AIP-122, "Resource ID segments".
pub const MAX_RESOURCE_ID_LENGTH: usize = 63;

/// The last part of a resource name, chosen by the caller: lower-case letters,
/// digits and hyphens, a letter first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(String);

impl ResourceId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ResourceId {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase());
        let goes_on_well = text
            .chars()
            .all(|next| next.is_ascii_lowercase() || next.is_ascii_digit() || next == '-');
        if starts_well && goes_on_well && !text.ends_with('-') && text.len() <= MAX_RESOURCE_ID_LENGTH {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidField::new(
            "id",
            format!(
                "'{}' is not an id; use lower-case letters, digits and hyphens, a letter first, \
                 at most {MAX_RESOURCE_ID_LENGTH} characters",
                shown(text)
            ),
        ))
    }
}

/// The tenant: `workspaces/{workspace}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkspaceName(ResourceId);

impl WorkspaceName {
    pub fn new(workspace: ResourceId) -> Self {
        Self(workspace)
    }
}

impl fmt::Display for WorkspaceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "workspaces/{}", self.0)
    }
}

impl FromStr for WorkspaceName {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        text.strip_prefix("workspaces/")
            .and_then(|workspace| workspace.parse().ok())
            .map(Self)
            .ok_or_else(|| wrong_name(text, "workspaces/{workspace}"))
    }
}

macro_rules! resource_name {
    ($(#[$doc:meta])* $name:ident, $collection:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name {
            workspace: WorkspaceName,
            id: ResourceId,
        }

        impl $name {
            pub fn new(workspace: WorkspaceName, id: ResourceId) -> Self {
                Self { workspace, id }
            }

            pub fn workspace(&self) -> &WorkspaceName {
                &self.workspace
            }

            pub fn id(&self) -> &ResourceId {
                &self.id
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!("{}/", $collection, "/{}"), self.workspace, self.id)
            }
        }

        impl FromStr for $name {
            type Err = InvalidField;

            fn from_str(text: &str) -> Result<Self, InvalidField> {
                text.split_once(concat!("/", $collection, "/"))
                    .and_then(|(workspace, id)| {
                        Some(Self { workspace: workspace.parse().ok()?, id: id.parse().ok()? })
                    })
                    .ok_or_else(|| wrong_name(text, $pattern))
            }
        }
    };
}

resource_name!(
    /// A connection: `workspaces/{workspace}/connections/{connection}`.
    ConnectionName,
    "connections",
    "workspaces/{workspace}/connections/{connection}"
);
resource_name!(
    /// A destination: `workspaces/{workspace}/destinations/{destination}`.
    DestinationName,
    "destinations",
    "workspaces/{workspace}/destinations/{destination}"
);
resource_name!(
    /// A policy: `workspaces/{workspace}/policies/{policy}`.
    PolicyName,
    "policies",
    "workspaces/{workspace}/policies/{policy}"
);

/// Tells a destination from a later one of the same name. Any text that the
/// config-service made; a UUID today.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DestinationUid(String);

impl DestinationUid {
    pub fn new(uid: impl Into<String>) -> Self {
        Self(uid.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DestinationUid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn wrong_name(text: &str, pattern: &str) -> InvalidField {
    InvalidField::new(
        "name",
        format!("'{}' is not a name of the form {pattern}", shown(text)),
    )
}

/// Cuts a value that is too long to be shown whole in a message.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain("…".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_name_is_printed_as_it_was_parsed() {
        let text = "workspaces/acme/destinations/crm-contacts";
        let name: DestinationName = text.parse().unwrap();
        assert_eq!(name.to_string(), text);
        assert_eq!(name.workspace().to_string(), "workspaces/acme");
    }

    #[test]
    fn a_wrong_name_says_what_form_is_right() {
        for text in [
            "",
            "acme",
            "workspaces/acme",
            "workspaces/Acme/destinations/x",
            "workspaces/acme/connections/x",
            "workspaces/a/destinations/",
            "workspaces/a/destinations/x/segments/y",
        ] {
            let problem = text.parse::<DestinationName>().unwrap_err().problem;
            assert!(
                problem.contains("workspaces/{workspace}/destinations/{destination}"),
                "{problem}"
            );
        }
    }

    #[test]
    fn an_id_is_lower_case_short_and_starts_with_a_letter() {
        for good in ["a", "crm-2", "a23456789-b"] {
            assert!(good.parse::<ResourceId>().is_ok(), "{good}");
        }
        for bad in ["", "2a", "-a", "a-", "A", "a_b", "a b", "ä", &"a".repeat(64)] {
            assert!(bad.parse::<ResourceId>().is_err(), "{bad}");
        }
    }
}
