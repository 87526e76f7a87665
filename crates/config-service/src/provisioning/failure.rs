//! Why something could not be made, in words: cause first, then what Salesforce
//! says, then what to do.

use salesforce::refusal::{Fault, Refusal};

use crate::org::Trouble;

/// Why something is not as it should be in the org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// A stable word for machines.
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) fix: String,
    /// Whether the next call would fail too.
    pub(super) is_of_login: bool,
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    FindFields,
    MakeField,
    MakePermissionSet,
    GrantField,
    GrantObject,
    Assign,
}

impl Step {
    fn what(self) -> &'static str {
        match self {
            Self::FindFields => "tell which custom fields there are",
            Self::MakeField => "make the field",
            Self::MakePermissionSet => "make the permission set",
            Self::GrantField => "open the field",
            Self::GrantObject => "open the object",
            Self::Assign => "assign the permission set",
        }
    }

    /// Returns the permission that the admin needs for it.
    fn permission(self) -> &'static str {
        match self {
            Self::FindFields | Self::MakeField => "Customize Application",
            Self::MakePermissionSet | Self::GrantField | Self::GrantObject => {
                "Manage Profiles and Permission Sets"
            }
            Self::Assign => "Assign Permission Sets",
        }
    }
}

impl Failure {
    pub(super) fn new(reason: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            reason: reason.to_owned(),
            message: message.into(),
            fix: fix.into(),
            is_of_login: false,
        }
    }

    /// Salesforce said no. Nothing here carries profile values, so its own words
    /// can be told.
    pub(super) fn refused(refusal: &Refusal, step: Step, admin: &str) -> Self {
        let (cause, fix) = match refusal.code.as_str() {
            "INSUFFICIENT_ACCESS"
            | "INSUFFICIENT_ACCESS_OR_READONLY"
            | "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" => (
                format!(
                    "The admin login ({admin}) may not {}: it lacks {}",
                    step.what(),
                    step.permission()
                ),
                format!(
                    "Give it the permission {}, or use the login of a System Administrator, or deploy the metadata \
                     package instead (WriteMetadataPackage).",
                    step.permission()
                ),
            ),
            "CUSTOM_ENTITY_OR_FIELD_LIMIT" => (
                "The object has as many custom fields as the org's edition allows".to_owned(),
                "Delete a field that nobody uses, and erase it in Setup, Object Manager, Fields & Relationships, \
                 Deleted Fields; or let a segment go."
                    .to_owned(),
            ),
            "FIELD_INTEGRITY_EXCEPTION" if step == Step::MakeField => (
                "Salesforce refuses the field as it is".to_owned(),
                "If it speaks of the total of all long text areas (1,638,400 characters of an object), ask for a \
                 shorter length, or for Text or Picklist."
                    .to_owned(),
            ),
            "FIELD_INTEGRITY_EXCEPTION" => (
                format!("Salesforce does not {}", step.what()),
                "If it speaks of the user's licence, assign the permission set licence that allows it (for a \
                 Salesforce Integration user: Salesforce API Integration), then try again."
                    .to_owned(),
            ),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" if step == Step::GrantField => (
                "Salesforce does not know the new field everywhere yet".to_owned(),
                "Try again in some seconds; what was made stays.".to_owned(),
            ),
            "NOT_FOUND" | "INVALID_TYPE" | "API_DISABLED_FOR_ORG" => (
                format!(
                    "The org does not let the admin login ({admin}) {} by the API",
                    step.what()
                ),
                "Check that the org's edition has the API and the user API Enabled; or deploy the metadata package."
                    .to_owned(),
            ),
            _ => (
                format!("Salesforce did not {}", step.what()),
                "Mend what Salesforce says, then try again; what was made stays.".to_owned(),
            ),
        };
        let says = if refusal.message.is_empty() {
            refusal.to_string()
        } else {
            format!("Salesforce says: {}", refusal.message)
        };
        Self {
            reason: refusal.reason(),
            message: format!("{cause}. {says}"),
            fix,
            is_of_login: matches!(refusal.fault, Fault::Token | Fault::Login | Fault::Host)
                || refusal.code == "REQUEST_LIMIT_EXCEEDED",
        }
    }

    /// There is no session, or no answer.
    pub(super) fn of_login(trouble: Trouble) -> Self {
        Self {
            reason: trouble.reason,
            message: trouble.message,
            fix: trouble.fix,
            is_of_login: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use serde_json::json;

    use super::*;

    fn refused(code: &str, step: Step) -> Failure {
        let body = json!([{"errorCode": code, "message": "its words"}]).to_string();
        let refusal = Refusal::read(StatusCode::FORBIDDEN, &HeaderMap::new(), body.as_bytes());
        Failure::refused(&refusal, step, "admin@acme.example")
    }

    #[test]
    fn a_missing_permission_is_named_for_each_step() {
        for (step, permission) in [
            (Step::MakeField, "Customize Application"),
            (Step::GrantField, "Manage Profiles and Permission Sets"),
            (Step::Assign, "Assign Permission Sets"),
        ] {
            let failure = refused("INSUFFICIENT_ACCESS", step);
            assert_eq!(failure.reason, "INSUFFICIENT_ACCESS");
            assert!(failure.message.contains(permission) && failure.fix.contains(permission));
            assert!(failure.message.contains("admin@acme.example") && failure.message.contains("its words"));
            assert!(!failure.is_of_login);
        }
    }

    #[test]
    fn what_the_next_call_would_meet_too_is_told_from_what_one_field_meets() {
        assert!(refused("REQUEST_LIMIT_EXCEEDED", Step::MakeField).is_of_login);
        assert!(!refused("CUSTOM_ENTITY_OR_FIELD_LIMIT", Step::MakeField).is_of_login);
    }
}
