//! What the Salesforce org itself says: whether a login works, and whether it
//! has what a destination names.

mod rules;
mod shape;

use activation::{
    InvalidField,
    destination::{Activation, FieldTarget, SegmentActivation, StatusValues, WriteMode},
};
use chrono::{DateTime, Utc};
use contracts::{
    auth::v1::{GetTokenRequest, ReportRejectedTokenRequest, token_service_client::TokenServiceClient},
    status::reason,
};
use futures::{FutureExt, future::BoxFuture};
use salesforce::{
    Host, Http, Session,
    describe::{FieldDescription, ObjectDescription, describe},
    organization::organization,
    refusal::Fault,
    request::RequestError,
};
use service::{chain::Chain, database::to_micros, grpc::client::TracedChannel};
use tonic::{Code, Status};
use tonic_types::StatusExt;

pub use self::shape::shape_of;
use crate::connections::{Check, CheckState, Connection};

/// Asks orgs. Cheap to clone.
#[derive(Clone)]
pub struct Orgs {
    tokens: TokenServiceClient<TracedChannel>,
    http: Http,
}

/// Why an org could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub state: CheckState,
    /// A stable word for machines.
    pub reason: String,
    pub message: String,
    pub fix: String,
}

struct Token {
    session: Session,
    org_id: String,
    id: String,
}

impl Orgs {
    pub(crate) fn new(tokens: TokenServiceClient<TracedChannel>, http: Http) -> Self {
        Self { tokens, http }
    }

    /// Logs in and makes one REST call. A login that does not work is a result.
    pub async fn check(&self, connection: &Connection, now: DateTime<Utc>) -> Check {
        let mut check = Check {
            state: CheckState::Connected,
            reason: String::new(),
            message: String::new(),
            fix: String::new(),
            org_id: String::new(),
            org_name: String::new(),
            org_type: String::new(),
            username: String::new(),
            time_micros: to_micros(now),
        };
        let http = self.http.clone();
        let read = move |session| {
            let http = http.clone();
            async move { organization(&http, &session).await }.boxed()
        };
        match self.with_session(connection, read).await {
            Ok((organization, org_id)) => {
                check.org_id = org_id;
                check.org_name = organization.name;
                check.org_type = organization.organization_type;
                check.username = organization.username;
            }
            Err(trouble) => {
                check.state = trouble.state;
                check.reason = trouble.reason;
                check.message = trouble.message;
                check.fix = trouble.fix;
            }
        }
        check
    }

    /// Describes the object; answers the org's id too.
    pub async fn describe(
        &self,
        connection: &Connection,
        object: &str,
    ) -> Result<(ObjectDescription, String), Trouble> {
        let (http, object) = (self.http.clone(), object.to_owned());
        let read = move |session| {
            let (http, object) = (http.clone(), object.clone());
            async move { Ok(describe(&http, &session, &object).await?.value) }.boxed()
        };
        self.with_session(connection, read).await
    }

    /// Makes a read, once more after a refused token, and only in the org that
    /// is pinned.
    async fn with_session<T>(
        &self,
        connection: &Connection,
        read: impl Fn(Session) -> BoxFuture<'static, Result<T, RequestError>>,
    ) -> Result<(T, String), Trouble> {
        let token = self.token(connection).await?;
        match read(token.session).await {
            Ok(value) => Ok((value, token.org_id)),
            Err(RequestError::Refused(refusal)) if refusal.fault == Fault::Token => {
                self.reject(connection, token.id).await?;
                let token = self.token(connection).await?;
                let value = read(token.session).await.map_err(|error| read_trouble(&error))?;
                Ok((value, token.org_id))
            }
            Err(error) => Err(read_trouble(&error)),
        }
    }

    async fn token(&self, connection: &Connection) -> Result<Token, Trouble> {
        let request = GetTokenRequest {
            connection: connection.name.to_string(),
            login_host: connection.login_host.to_string(),
        };
        let answer = self
            .tokens
            .clone()
            .get_token(request)
            .await
            .map_err(|status| token_trouble(&status))?
            .into_inner();
        if !connection.org_id.is_empty() && connection.org_id != answer.org_id {
            return Err(Trouble {
                state: CheckState::Refused,
                reason: "ORG_CHANGED".to_owned(),
                message: format!(
                    "This login now reaches a different Salesforce org: {} instead of {}",
                    answer.org_id, connection.org_id
                ),
                fix:
                    "Correct the custom domain or the credentials, or create another connection for that org."
                        .to_owned(),
            });
        }
        let instance = Host::from_instance_url(&answer.instance_url).map_err(|error| Trouble {
            state: CheckState::Unreachable,
            reason: "INSTANCE_NOT_SALESFORCE".to_owned(),
            message: error.to_string(),
            fix: String::new(),
        })?;
        let session = Session {
            access_token: answer.access_token.into(),
            instance,
        };
        Ok(Token {
            session,
            org_id: answer.org_id,
            id: answer.token_id,
        })
    }

    async fn reject(&self, connection: &Connection, token_id: String) -> Result<(), Trouble> {
        let request = ReportRejectedTokenRequest {
            connection: connection.name.to_string(),
            token_id,
        };
        self.tokens
            .clone()
            .report_rejected_token(request)
            .await
            .map_err(|status| token_trouble(&status))?;
        Ok(())
    }
}

fn token_trouble(status: &Status) -> Trouble {
    let fix = status
        .get_details_error_info()
        .and_then(|info| info.metadata.get("fix").cloned())
        .unwrap_or_default();
    let state = match status.code() {
        Code::FailedPrecondition | Code::InvalidArgument => CheckState::Refused,
        _ => CheckState::Unreachable,
    };
    let reason = match reason(status) {
        empty if empty.is_empty() => "AUTH_SERVICE_UNAVAILABLE".to_owned(),
        reason => reason,
    };
    Trouble {
        state,
        reason,
        message: status.message().to_owned(),
        fix,
    }
}

fn read_trouble(error: &RequestError) -> Trouble {
    match error {
        RequestError::Refused(refusal) => {
            let (state, fix) = match refusal.fault {
                Fault::Token | Fault::Login => (
                    CheckState::Refused,
                    "Give the user the permission API Enabled, and check the org's and the app's IP ranges.",
                ),
                Fault::Configuration
                | Fault::Host
                | Fault::Batch
                | Fault::Record
                | Fault::RecordGone
                | Fault::LeadConverted => (
                    CheckState::Refused,
                    "Check what the user may see in Setup, Object Manager and its profile.",
                ),
                Fault::Quota => (
                    CheckState::Unreachable,
                    "The org's daily API calls are used up; they come back as old calls age out.",
                ),
                Fault::Contention | Fault::Salesforce => (CheckState::Unreachable, "Try again in a while."),
            };
            Trouble {
                state,
                reason: refusal.reason(),
                // Reads carry no profile values, so Salesforce's words can be told.
                message: format!("{refusal}: {}", refusal.message),
                fix: fix.to_owned(),
            }
        }
        RequestError::Call(_) | RequestError::Unreadable(_) => Trouble {
            state: CheckState::Unreachable,
            reason: "SALESFORCE_UNAVAILABLE".to_owned(),
            message: Chain(error).to_string(),
            fix: "Try again in a while.".to_owned(),
        },
    }
}

/// Lists what the org's own description says against a destination.
pub fn findings(activation: &Activation, object: &ObjectDescription) -> Vec<InvalidField> {
    let mut found = Vec::new();
    if let WriteMode::Upsert { key_field } = &activation.write_mode {
        let problem = match object.field(key_field.as_str()) {
            None => Some(missing(key_field.as_str(), object)),
            Some(field) if !field.can_be_key() => Some(format!(
                "{key_field} of {} is no external id; tick External ID on the field, or choose another one",
                object.name
            )),
            Some(_) => None,
        };
        found.extend(problem.map(|problem| InvalidField::new("destination.key_field", problem)));
    }
    for (index, row) in activation.field_mappings.iter().enumerate() {
        let FieldTarget::Field(target) = &row.target else {
            continue;
        };
        let problem = match object.field(target.as_str()) {
            None => Some(format!(
                "{}. Create it, correct the mapping, or let the user see it (field-level security)",
                missing(target.as_str(), object)
            )),
            Some(field) if !field.updateable => Some(read_only(field, object)),
            Some(_) => None,
        };
        found.extend(
            problem
                .map(|problem| InvalidField::new(format!("field_mappings[{index}].target.field"), problem)),
        );
    }
    found.extend(rules::rule_findings(activation, object));
    for (index, segment) in activation.segments.iter().enumerate() {
        if let Some(problem) = segment_problem(segment, &activation.status_values, object) {
            found.push(InvalidField::new(
                format!("segments[{index}].mapping_id"),
                problem,
            ));
        }
    }
    found
}

fn segment_problem(
    segment: &SegmentActivation,
    status_values: &StatusValues,
    object: &ObjectDescription,
) -> Option<String> {
    let name = segment.mapping_id.field();
    let label = segment.label();
    let Some(field) = object.field(name.as_str()) else {
        return Some(format!(
            "Field {name} does not exist on {} (segment {label}). Create it or correct the Mapping ID",
            object.name
        ));
    };
    if field.name != name.as_str() {
        return Some(format!(
            "Field {name} is spelled {} on {} (segment {label}). Correct the Mapping ID",
            field.name, object.name
        ));
    }
    if !field.updateable {
        return Some(format!("{} (segment {label})", read_only(field, object)));
    }
    rules::status_problem(status_values, field)
        .map(|problem| format!("Field {name} on {} {problem} (segment {label})", object.name))
}

fn missing(field: &str, object: &ObjectDescription) -> String {
    format!(
        "Field {field} does not exist on {}, or is hidden from the user",
        object.name
    )
}

fn read_only(field: &FieldDescription, object: &ObjectDescription) -> String {
    format!(
        "Field {} on {} cannot be edited by the user; grant edit access, or map another field",
        field.name, object.name
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use activation::destination::{
        CreationRules, DeletedProfilePolicy, DuplicateRule, FieldMapping, FieldSource, MappingOptions,
        RecordType,
    };
    use serde_json::json;

    use super::*;

    fn object() -> ObjectDescription {
        let field = |name: &str, field_type: &str, length: u32, updateable: bool| {
            json!({"name": name, "label": name, "type": field_type, "length": length, "createable": true,
                "updateable": updateable, "nillable": true, "defaultedOnCreate": false, "externalId": name == "Key__c",
                "idLookup": name == "Key__c"})
        };
        serde_json::from_value(json!({"name": "Contact", "fields": [
            field("LastName", "string", 80, true),
            field("CreatedDate", "datetime", 0, false),
            field("Key__c", "string", 255, true),
            field("crm_2_seg__c", "textarea", 32768, true),
            field("Vip__c", "textarea", 32768, true),
            field("number__c", "double", 0, true),
            field("short__c", "string", 7, true),
            field("locked__c", "string", 80, false),
        ]}))
        .unwrap()
    }

    fn activation(targets: &[&str], mapping_ids: &[&str]) -> Activation {
        Activation {
            record_type: RecordType::Contact,
            write_mode: WriteMode::UpdateById,
            field_mappings: targets
                .iter()
                .map(|target| FieldMapping {
                    source: FieldSource::AttributePath("a".to_owned()),
                    target: FieldTarget::Field(target.parse().unwrap()),
                    options: MappingOptions::default(),
                })
                .collect(),
            segments: mapping_ids
                .iter()
                .map(|mapping_id| SegmentActivation {
                    segment: "s".to_owned(),
                    display_name: "VIP".to_owned(),
                    mapping_id: mapping_id.parse().unwrap(),
                    start_time: None,
                    end_time: None,
                })
                .collect(),
            deleted_profile_policy: DeletedProfilePolicy::Leave,
            status_values: StatusValues::default(),
            max_delay: Duration::from_secs(60),
            creation_rules: CreationRules::default(),
            duplicate_rule: DuplicateRule::default(),
        }
    }

    #[test]
    fn what_the_org_has_is_fine() {
        assert_eq!(
            findings(&activation(&["LastName"], &["crm_2_seg"]), &object()),
            []
        );
    }

    #[test]
    fn a_mistyped_mapping_id_is_named_with_field_segment_and_fix() {
        let found = findings(&activation(&[], &["crm_3_seg"]), &object());
        assert_eq!(
            found[0].to_string(),
            "segments[0].mapping_id: Field crm_3_seg__c does not exist on Contact (segment VIP). \
             Create it or correct the Mapping ID"
        );
    }

    #[test]
    fn each_way_a_field_can_be_wrong_is_told() {
        for (mapping_id, part) in [
            ("vip", "spelled Vip__c"),
            ("number", "type double"),
            ("short", "holds 7 characters"),
            ("locked", "cannot be edited"),
        ] {
            let found = findings(&activation(&[], &[mapping_id]), &object());
            assert!(found[0].problem.contains(part), "{mapping_id}: {found:?}");
        }
        for (target, part) in [
            ("Nickname", "does not exist on Contact"),
            ("CreatedDate", "cannot be edited"),
        ] {
            let found = findings(&activation(&[target], &[]), &object());
            assert!(found[0].problem.contains(part), "{target}: {found:?}");
        }
    }

    #[test]
    fn an_upsert_needs_an_external_id() {
        for (key_field, count) in [("Key__c", 0), ("LastName", 1), ("Other__c", 1)] {
            let mut activation = activation(&[], &[]);
            activation.write_mode = WriteMode::Upsert {
                key_field: key_field.parse().unwrap(),
            };
            assert_eq!(findings(&activation, &object()).len(), count, "{key_field}");
        }
    }
}
