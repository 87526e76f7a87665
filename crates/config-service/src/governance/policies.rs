//! Policies: what some data may not be used for.

use std::collections::BTreeSet;

use activation::names::{PolicyName, WorkspaceName};
use chrono::{DateTime, Utc};

use super::words::{Label, MarketingAction};

/// What the ids of policies that exist from the start begin with.
pub const CORE_PREFIX: &str = "core-";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub name: PolicyName,
    pub display_name: String,
    pub description: String,
    /// `None`: whatever the data is used for.
    pub marketing_action: Option<MarketingAction>,
    /// All must be there; never empty.
    pub labels: BTreeSet<Label>,
    pub enabled: bool,
    pub kind: PolicyKind,
    /// 0 for one that nobody has changed yet.
    pub version: i64,
    pub update_time: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    /// Made in the workspace.
    Custom,
    /// There from the start; can be switched on and off.
    Core,
    /// There from the start; holds always.
    Always,
}

/// Id, display name, label, forbidden marketing action. What the source's core
/// policies say, one row for each action: a policy has one action
/// (requirements.md, rows 219 to 221).
const CORE: [(&str, &str, &str, &str); 15] = [
    ("core-analytics", "No measurement", "C8", "ANALYTICS"),
    (
        "core-combination",
        "No combination with what identifies a person",
        "C3",
        "COMBINE_WITH_DIRECTLY_IDENTIFIABLE",
    ),
    (
        "core-cross-site-targeting",
        "No cross-site targeting",
        "C5",
        "CROSS_SITE_TARGETING",
    ),
    ("core-data-science", "No data science", "C9", "DATA_SCIENCE"),
    (
        "core-onsite-advertising",
        "No advertising on own sites",
        "C6",
        "ONSITE_ADVERTISING",
    ),
    (
        "core-onsite-personalization",
        "No personalisation on own sites",
        "C7",
        "ONSITE_PERSONALIZATION",
    ),
    (
        "core-only-aggregated-combination",
        "Aggregated only: no combination with what identifies a person",
        "C1",
        "COMBINE_WITH_DIRECTLY_IDENTIFIABLE",
    ),
    (
        "core-only-aggregated-export",
        "Aggregated only: no export to third parties",
        "C1",
        "EXPORT_TO_THIRD_PARTY",
    ),
    (
        "core-segment-match",
        "No matching of segments",
        "C11",
        "SEGMENT_MATCH",
    ),
    (
        "core-stitched-identity",
        "No use of stitched identities",
        "C10",
        "SINGLE_IDENTITY_PERSONALIZATION",
    ),
    (
        "core-targeting-across-sites",
        "No targeting: across sites",
        "C4",
        "CROSS_SITE_TARGETING",
    ),
    (
        "core-targeting-by-email",
        "No targeting: e-mail",
        "C4",
        "EMAIL_TARGETING",
    ),
    (
        "core-targeting-onsite-advertising",
        "No targeting: advertising on own sites",
        "C4",
        "ONSITE_ADVERTISING",
    ),
    (
        "core-targeting-onsite-content",
        "No targeting: content of own sites",
        "C4",
        "ONSITE_PERSONALIZATION",
    ),
    (
        "core-third-party-export",
        "No export to third parties",
        "C2",
        "EXPORT_TO_THIRD_PARTY",
    ),
];

/// The policy that cannot be switched off.
const ALWAYS: (&str, &str, &str) = ("core-never-exported", "Never exported", Label::NEVER_EXPORTED);

impl Policy {
    /// Returns the policies that exist from the start, as they are then.
    pub fn core(workspace: &WorkspaceName) -> Vec<Self> {
        let made = |id: &str, display_name: &str, label: &str, action: Option<&str>| {
            let label: Label = label.parse().expect("the known labels are labels");
            Self {
                name: PolicyName::new(
                    workspace.clone(),
                    id.parse().expect("ids of core policies are ids"),
                ),
                display_name: display_name.to_owned(),
                description: label.core_description().unwrap_or_default().to_owned(),
                marketing_action: action.map(|action| action.parse().expect("the known actions are actions")),
                labels: BTreeSet::from([label]),
                enabled: action.is_none(),
                kind: if action.is_none() {
                    PolicyKind::Always
                } else {
                    PolicyKind::Core
                },
                version: 0,
                update_time: None,
            }
        };
        let (id, display_name, label) = ALWAYS;
        CORE.iter()
            .map(|(id, display_name, label, action)| made(id, display_name, label, Some(action)))
            .chain([made(id, display_name, label, None)])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_221_every_core_policy_is_off_and_its_words_are_known() {
        let policies = Policy::core(&"workspaces/acme".parse().unwrap());
        let ids: BTreeSet<&PolicyName> = policies.iter().map(|policy| &policy.name).collect();
        assert_eq!(ids.len(), policies.len());
        for policy in &policies {
            assert!(policy.name.id().as_str().starts_with(CORE_PREFIX));
            assert!(
                policy
                    .labels
                    .iter()
                    .all(|label| label.core_description().is_some())
            );
            match &policy.marketing_action {
                Some(action) => {
                    assert!(action.core_description().is_some(), "{action}");
                    assert!(!policy.enabled, "{}", policy.name);
                }
                None => assert_eq!(policy.kind, PolicyKind::Always),
            }
        }
    }
}
