//! What the Salesforce org itself says: whether a login works, and whether it
//! has what a destination names.

mod creation;
mod rules;
mod shape;
mod trouble;

use std::sync::Arc;

use activation::{
    InvalidField,
    destination::{Activation, FieldTarget, SegmentActivation, StatusValues, WriteMode},
};
use chrono::{DateTime, Utc};
use contracts::auth::v1::{
    GetTokenRequest, ReportRejectedTokenRequest, token_service_client::TokenServiceClient,
};
use futures::{FutureExt, future::BoxFuture};
use salesforce::{
    Host, Http, Session,
    describe::{FieldDescription, ObjectDescription, describe},
    organization::organization,
    refusal::Fault,
    request::RequestError,
};
use service::{database::to_micros, grpc::client::TracedChannel};

pub use self::{shape::shape_of, trouble::Trouble};
use crate::connections::{Check, Connection, Warning};

/// Asks orgs. Cheap to clone.
#[derive(Clone)]
pub struct Orgs {
    tokens: TokenServiceClient<TracedChannel>,
    http: Http,
    egress_addresses: Arc<[String]>,
}

struct Token {
    session: Session,
    org_id: String,
    id: String,
    scopes: Vec<String>,
}

/// Whether a token that is held already will do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Login {
    Cached,
    /// A token lives on after its credentials stopped working.
    Fresh,
}

impl Orgs {
    pub(crate) fn new(
        tokens: TokenServiceClient<TracedChannel>,
        http: Http,
        egress_addresses: Arc<[String]>,
    ) -> Self {
        Self {
            tokens,
            http,
            egress_addresses,
        }
    }

    /// Logs in and makes one REST call. A login that does not work is a result.
    pub async fn check(&self, connection: &Connection, now: DateTime<Utc>) -> Check {
        let mut check = Check::at(to_micros(now));
        if let Err(trouble) = self.examine(connection, &mut check).await {
            check.state = trouble.state;
            check.reason = trouble.reason;
            check.message = trouble.message;
            check.fix = trouble.fix;
        }
        check
    }

    /// Notes what is found, as far as it comes.
    async fn examine(&self, connection: &Connection, check: &mut Check) -> Result<(), Trouble> {
        let token = self.token(connection, Login::Fresh).await?;
        check.org_id.clone_from(&token.org_id);
        check.scopes.clone_from(&token.scopes);
        check.warnings = scope_warnings(&token.scopes);
        check_pin(connection, &token)?;
        let organization = organization(&self.http, &token.session)
            .await
            .map_err(|error| Trouble::read(&error, &token.scopes))?;
        check.org_name = organization.name;
        check.org_type = organization.organization_type;
        check.is_sandbox = organization.is_sandbox;
        check.username = organization.username;
        Ok(())
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
        let token = self.token(connection, Login::Cached).await?;
        check_pin(connection, &token)?;
        match read(token.session).await {
            Ok(value) => Ok((value, token.org_id)),
            Err(RequestError::Refused(refusal)) if refusal.fault == Fault::Token => {
                self.reject(connection, token.id).await?;
                let token = self.token(connection, Login::Cached).await?;
                check_pin(connection, &token)?;
                let value = read(token.session)
                    .await
                    .map_err(|error| Trouble::read(&error, &token.scopes))?;
                Ok((value, token.org_id))
            }
            Err(error) => Err(Trouble::read(&error, &token.scopes)),
        }
    }

    async fn token(&self, connection: &Connection, login: Login) -> Result<Token, Trouble> {
        let request = GetTokenRequest {
            connection: connection.name.to_string(),
            login_host: connection.login_host.to_string(),
            fresh: login == Login::Fresh,
        };
        let answer = self
            .tokens
            .clone()
            .get_token(request)
            .await
            .map_err(|status| Trouble::token(&status, connection, &self.egress_addresses))?
            .into_inner();
        let instance =
            Host::from_instance_url(&answer.instance_url).map_err(|error| Trouble::instance(&error))?;
        Ok(Token {
            session: Session {
                access_token: answer.access_token.into(),
                instance,
            },
            org_id: answer.org_id,
            id: answer.token_id,
            scopes: answer.scopes,
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
            .map_err(|status| Trouble::token(&status, connection, &self.egress_addresses))?;
        Ok(())
    }
}

/// Refuses a token of another org than the one that is pinned.
fn check_pin(connection: &Connection, token: &Token) -> Result<(), Trouble> {
    if connection.org_id.is_empty() || connection.org_id == token.org_id {
        Ok(())
    } else {
        Err(Trouble::org_changed(connection, &token.org_id))
    }
}

fn scope_warnings(scopes: &[String]) -> Vec<Warning> {
    if !trouble::lacks_api(scopes) {
        return Vec::new();
    }
    vec![Warning {
        code: "SCOPE_LACKS_API".to_owned(),
        message: format!(
            "The token's scopes ({}) have neither api nor full, which REST calls need",
            scopes.join(" ")
        ),
        fix: trouble::SCOPE_FIX.to_owned(),
    }]
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
    found.extend(creation::creation_findings(activation, object));
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
