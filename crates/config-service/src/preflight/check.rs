//! The check of a destination: everything at once, errors first.

use activation::{InvalidField, destination::Activation, record_id::RecordId};
use chrono::{DateTime, Utc};
use contracts::{config::v1 as pb, convert::time::time_out};
use futures::FutureExt;
use salesforce::{
    describe::Edition,
    limits::limits,
    organization::organization,
    record_access::{RecordAccess, record_access},
    request::RequestError,
};
use serde::{Deserialize, Serialize};
use service::database::{from_micros, to_micros};

use super::{
    call_budget::{self, Calls},
    creation, definition,
    described::{Described, other_record_type, written_fields},
    finding::{Finding, Severity, count, in_order},
    key_field, mapped_fields, mapping_rules, record_kind, sample_records, status_fields,
};
use crate::{
    connections::Connection,
    destinations::ClaimedField,
    org::{Orgs, Trouble},
};

/// What a check found, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub findings: Vec<Finding>,
    pub org_asked: bool,
    /// Empty when the org was not asked.
    pub org_id: String,
    pub time_micros: i64,
    /// The description of the object that was seen.
    #[serde(skip)]
    pub edition: Edition,
    /// Whether the org was not asked because it, or the way to it, was away.
    #[serde(skip)]
    pub is_unreachable: bool,
}

/// What is checked.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub activation: &'a Activation,
    /// What other destinations of the org write.
    pub claimed: &'a [ClaimedField],
    pub max_segments: usize,
    /// Records that the user must see and edit.
    pub sample_records: &'a [RecordId],
}

impl Orgs {
    /// Checks a destination against the live org. `further` are findings of
    /// others, such as violations of policies.
    pub async fn check_destination(
        &self,
        connection: &Connection,
        subject: Subject<'_>,
        further: Vec<Finding>,
        now: DateTime<Utc>,
    ) -> Check {
        let mut findings = definition::findings(subject.activation, subject.claimed, subject.max_segments);
        findings.extend(further);
        let mut check = Check {
            findings: Vec::new(),
            org_asked: false,
            org_id: String::new(),
            time_micros: to_micros(now),
            edition: Edition::default(),
            is_unreachable: false,
        };
        match self.described(connection, subject.activation).await {
            Ok(org) => {
                findings.extend(org_findings(subject.activation, &org));
                findings.extend(self.use_findings(connection, subject).await);
                check.org_asked = true;
                check.org_id = org.org_id;
                check.edition = org.object.edition;
            }
            Err(trouble) => {
                check.is_unreachable = !trouble.is_refused();
                findings.push(trouble_finding(Severity::Error, &trouble));
            }
        }
        check.findings = in_order(findings);
        check
    }

    /// Describes what a destination writes; the other kind of record too, where
    /// a field is missing.
    pub(crate) async fn described(
        &self,
        connection: &Connection,
        activation: &Activation,
    ) -> Result<Described, Trouble> {
        let record_type = activation.record_type;
        let (object, org_id) = self.describe(connection, record_type.object()).await?;
        let lacks_a_field = written_fields(activation)
            .iter()
            .any(|field| object.field(field).is_none());
        let other = if lacks_a_field {
            let other = other_record_type(record_type).object();
            // Only makes a finding clearer; the user need not see that kind.
            self.describe(connection, other)
                .await
                .ok()
                .map(|(other, _)| other)
        } else {
            None
        };
        Ok(Described {
            org_id,
            object,
            other,
        })
    }

    /// What can only be warned of: calls that run low, records out of reach.
    async fn use_findings(&self, connection: &Connection, subject: Subject<'_>) -> Vec<Finding> {
        let mut found = Vec::new();
        match self.calls(connection).await {
            Ok(calls) => {
                found.extend(
                    calls.and_then(|calls| call_budget::finding(calls, subject.activation.max_delay)),
                );
            }
            Err(trouble) => found.push(trouble_finding(Severity::Warning, &trouble)),
        }
        if !subject.sample_records.is_empty() {
            match self.record_access(connection, subject.sample_records).await {
                Ok(None) => found.push(Finding::new(
                    Severity::Warning,
                    "USER_UNKNOWN",
                    "sample_record_ids",
                    "The records could not be looked up, because the token's scopes hide its own user",
                    "Give the app the scope id or openid, or try such records in a rehearsal",
                )),
                Ok(Some(access)) => found.extend(sample_records::findings(
                    subject.activation.record_type,
                    subject.sample_records,
                    &access,
                )),
                Err(trouble) => found.push(trouble_finding(Severity::Warning, &trouble)),
            }
        }
        found
    }

    /// Reads how many calls are left: from the limits, or from what every answer
    /// tells where the user may not see those.
    async fn calls(&self, connection: &Connection) -> Result<Option<Calls>, Trouble> {
        let http = self.http.clone();
        let read = move |session| {
            let http = http.clone();
            async move {
                match limits(&http, &session).await {
                    Ok(answered) => Ok(Calls::of_limits(&answered.value)),
                    Err(RequestError::Refused(refusal))
                        if refusal.status == 403 && refusal.usage.is_some() =>
                    {
                        Ok(refusal.usage.as_ref().map(Calls::of_usage))
                    }
                    Err(error) => Err(error),
                }
            }
            .boxed()
        };
        self.with_session(connection, read).await.map(|(calls, _)| calls)
    }

    async fn record_access(
        &self,
        connection: &Connection,
        ids: &[RecordId],
    ) -> Result<Option<Vec<RecordAccess>>, Trouble> {
        let http = self.http.clone();
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let read = move |session| {
            let (http, ids) = (http.clone(), ids.clone());
            async move {
                let user_id = organization(&http, &session).await?.user_id;
                if user_id.is_empty() {
                    return Ok(None);
                }
                Ok(Some(record_access(&http, &session, &user_id, &ids).await?.value))
            }
            .boxed()
        };
        self.with_session(connection, read)
            .await
            .map(|(access, _)| access)
    }
}

/// Lists what the org's own description says against a destination.
pub(crate) fn org_findings(activation: &Activation, org: &Described) -> Vec<Finding> {
    let mut found = record_kind::findings(activation, org);
    found.extend(key_field::findings(activation, org));
    found.extend(creation::findings(activation, org));
    found.extend(mapped_fields::findings(activation, org));
    found.extend(mapping_rules::findings(activation, &org.object));
    found.extend(status_fields::findings(activation, org));
    found
}

/// Reads the ids of records to look up.
pub fn parse_sample_records(ids: &[String]) -> Result<Vec<RecordId>, Vec<InvalidField>> {
    sample_records::parse(ids)
}

fn trouble_finding(severity: Severity, trouble: &Trouble) -> Finding {
    Finding::new(
        severity,
        &trouble.reason,
        "destination.connection",
        trouble.message.trim_end_matches('.'),
        trouble.fix.trim_end_matches('.'),
    )
}

impl From<&Check> for pb::DestinationCheck {
    fn from(check: &Check) -> Self {
        Self {
            findings: check.findings.iter().map(Into::into).collect(),
            errors: count(&check.findings, Severity::Error),
            warnings: count(&check.findings, Severity::Warning),
            advice: count(&check.findings, Severity::Advice),
            org_asked: check.org_asked,
            org_id: check.org_id.clone(),
            check_time: Some(time_out(from_micros(check.time_micros))),
        }
    }
}

#[cfg(test)]
mod tests;
