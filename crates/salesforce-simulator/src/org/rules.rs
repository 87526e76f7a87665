//! What the admins of an org have set up that decides about records.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::ids::RecordId;
use crate::schema::ObjectName;
use crate::value::Scalar;

/// The key prefix of assignment rules, and of record types. Source: Salesforce Help, "Standard Field Record
/// ID Prefix Decoder".
pub(crate) const ASSIGNMENT_RULE_PREFIX: &str = "01Q";
pub(crate) const RECORD_TYPE_PREFIX: &str = "012";

/// Every rule of an org, each kind in the order in which it was set up.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub duplicates: Vec<DuplicateRule>,
    pub validations: Vec<ValidationRule>,
    pub assignments: Vec<AssignmentRule>,
    /// Records that the API user may not do everything with.
    access: HashMap<RecordId, Access>,
}

/// Refuses records that hold the same values as another one. Source: salesforce-contract.md §2.8.
#[derive(Debug, Clone)]
pub(crate) struct DuplicateRule {
    pub object: ObjectName,
    pub name: String,
    /// API names; all must match.
    pub match_fields: Vec<String>,
    pub action: DuplicateAction,
    pub message: String,
}

/// What a duplicate rule does through the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DuplicateAction {
    /// Refuses, unless the request says `allowSave=true`.
    Alert,
    Block,
}

/// Refuses records that fulfil its condition. Source: salesforce-contract.md §3.4.
#[derive(Debug, Clone)]
pub(crate) struct ValidationRule {
    pub object: ObjectName,
    /// API name.
    pub field: String,
    pub condition: Condition,
    pub message: String,
}

#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// As the field stores it.
    Equals(Scalar),
    IsBlank,
}

/// Gives Leads an owner. Source: salesforce-contract.md §2.7.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AssignmentRule {
    pub id: RecordId,
    pub owner: RecordId,
    /// At most one rule is; the others are used by requests that name them.
    pub active: bool,
}

/// What the API user may do with one record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Access {
    #[default]
    Full,
    ReadOnly,
    /// Neither read nor written.
    Hidden,
    /// By an approval process.
    Locked,
}

impl Rules {
    pub(crate) fn access(&self, record: RecordId) -> Access {
        if self.access.is_empty() {
            return Access::Full;
        }
        self.access.get(&record).copied().unwrap_or_default()
    }

    /// Returns whether the API user can see a record.
    pub(crate) fn is_visible(&self, record: RecordId) -> bool {
        self.access(record) != Access::Hidden
    }

    pub(crate) fn set_access(&mut self, record: RecordId, access: Access) {
        match access {
            Access::Full => self.access.remove(&record),
            other => self.access.insert(record, other),
        };
    }

    /// Adds an assignment rule; an active one takes the place of the one that was active.
    pub(crate) fn add_assignment(&mut self, rule: AssignmentRule) {
        if rule.active {
            for other in &mut self.assignments {
                other.active = false;
            }
        }
        self.assignments.push(rule);
    }
}
