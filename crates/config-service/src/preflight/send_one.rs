//! One profile, really written, with what its records held before and hold
//! now.

use activation::{
    destination::WriteMode,
    plan::{OnMissing, Rules},
};
use contracts::config::v1 as pb;
use futures::FutureExt;
use salesforce::{
    collections::{Operation, Record, RecordResult, WriteOutcome},
    describe::ObjectDescription,
    query::{literal, query},
    record::get_record,
};
use serde_json::{Map, Value};

use super::{
    planned_record::{PlannedRecord, operation, options},
    write::{error_of_call, errors_of},
};
use crate::{
    connections::Connection,
    org::{Orgs, Trouble},
};

type Fields = Map<String, Value>;

impl Orgs {
    /// Writes records of one profile, each of which stands for itself.
    pub async fn send_one(
        &self,
        connection: &Connection,
        rules: &Rules,
        object: &ObjectDescription,
        records: &[PlannedRecord],
    ) -> Result<Vec<pb::SentRecord>, Trouble> {
        let mut before = Vec::with_capacity(records.len());
        for record in records {
            before.push(self.held_by_key(connection, rules, object, record).await?);
        }
        let to_send: Vec<Record> = records.iter().map(PlannedRecord::to_send).collect();
        let outcome = self
            .write(
                connection,
                rules.record_type.object(),
                &never_braked(rules, records),
                to_send,
                options(rules),
            )
            .await?;
        let mut sent: Vec<pb::SentRecord> = records
            .iter()
            .zip(&before)
            .map(|(record, before)| pb::SentRecord {
                record: Some(record.told(rules)),
                existed: before.is_some(),
                ..pb::SentRecord::default()
            })
            .collect();
        match outcome {
            WriteOutcome::Answered(answered) => {
                for ((sent, record), result) in sent.iter_mut().zip(records).zip(answered.value) {
                    match result {
                        RecordResult::Saved { id, created } => {
                            sent.record_id = id.unwrap_or_default();
                            sent.created = created;
                        }
                        RecordResult::Refused(refusal) if refusal.is_not_found() => {
                            sent.errors = vec![record.not_created(rules)];
                        }
                        RecordResult::Refused(refusal) => sent.errors = errors_of(&refusal),
                        // Never asked for: every record stands for itself.
                        RecordResult::RolledBack => {
                            sent.errors = vec![pb::SampleRefusal {
                                code: "ALL_OR_NONE_OPERATION_ROLLED_BACK".to_owned(),
                                message: "Salesforce stored nothing because of another record".to_owned(),
                                fields: Vec::new(),
                            }];
                        }
                    }
                }
            }
            WriteOutcome::NotSent(error) => {
                sent.iter_mut()
                    .for_each(|sent| sent.errors = vec![error_of_call(&error)]);
            }
            WriteOutcome::InDoubt(error) => {
                let mut error = error_of_call(&error);
                error
                    .message
                    .push_str(". It may have been written all the same; look at the record");
                sent.iter_mut().for_each(|sent| sent.errors = vec![error.clone()]);
            }
        }
        for ((sent, record), before) in sent.iter_mut().zip(records).zip(before) {
            let after = if sent.record_id.is_empty() {
                self.held_by_key(connection, rules, object, record).await?
            } else {
                let (fields, link) = self
                    .held_by_id(connection, rules, record, &sent.record_id)
                    .await?;
                sent.link = link;
                fields
            };
            sent.changes = changes(record, before.as_ref(), after.as_ref());
        }
        Ok(sent)
    }

    /// Reads what the record of that key holds; none if there is none.
    async fn held_by_key(
        &self,
        connection: &Connection,
        rules: &Rules,
        object: &ObjectDescription,
        record: &PlannedRecord,
    ) -> Result<Option<Fields>, Trouble> {
        let WriteMode::Upsert { key_field } = &rules.write_mode else {
            return Ok(self.held_by_id(connection, rules, record, &record.key).await?.0);
        };
        let key_type = object
            .field(key_field.as_str())
            .map(|field| field.field_type.as_str());
        let key = match key_type {
            Some("double" | "int" | "currency" | "percent") => match record.key.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => number.to_string(),
                // Salesforce will say so.
                _ => return Ok(None),
            },
            _ => literal(&record.key),
        };
        let names: Vec<&str> = record.fields.iter().map(|(name, _)| name.as_str()).collect();
        let soql = format!(
            "SELECT {}{} FROM {} WHERE {key_field} = {key} LIMIT 1",
            if names.is_empty() { "Id" } else { "Id, " },
            names.join(", "),
            rules.record_type.object(),
        );
        let http = self.http.clone();
        let read = move |session| {
            let (http, soql) = (http.clone(), soql.clone());
            async move { Ok(query::<Fields>(&http, &session, &soql).await?.value.records) }.boxed()
        };
        let (rows, _) = self.with_session(connection, read).await?;
        Ok(rows.into_iter().next())
    }

    /// Reads what a record holds, with where people see it.
    async fn held_by_id(
        &self,
        connection: &Connection,
        rules: &Rules,
        record: &PlannedRecord,
        id: &str,
    ) -> Result<(Option<Fields>, String), Trouble> {
        let (http, object, id) = (self.http.clone(), rules.record_type.object(), id.to_owned());
        let names: Vec<String> = record.fields.iter().map(|(name, _)| name.clone()).collect();
        let read = move |session: salesforce::Session| {
            let (http, id, names) = (http.clone(), id.clone(), names.clone());
            async move {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let held = get_record(&http, &session, object, &id, &names).await?;
                let link = format!("https://{}/{id}", session.instance);
                Ok((held.map(|answered| answered.value), link))
            }
            .boxed()
        };
        self.with_session(connection, read).await.map(|(held, _)| held)
    }
}

/// Creates only where delivery does without a brake: no other call keeps the
/// day's limit, or gives what new records get.
fn never_braked(rules: &Rules, records: &[PlannedRecord]) -> Operation {
    match operation(rules, records.iter().find_map(|record| record.left_alone)) {
        Operation::Upsert {
            key_field,
            update_only,
        } => Operation::Upsert {
            key_field,
            update_only: update_only || rules.on_missing() != OnMissing::Create,
        },
        other => other,
    }
}

fn changes(record: &PlannedRecord, before: Option<&Fields>, after: Option<&Fields>) -> Vec<pb::FieldChange> {
    let text = |held: Option<&Fields>, name: &str| {
        held.and_then(|fields| fields.get(name))
            .map(Value::to_string)
            .unwrap_or_default()
    };
    record
        .fields
        .iter()
        .map(|(name, _)| pb::FieldChange {
            field: name.clone(),
            before_json: text(before, name),
            after_json: text(after, name),
        })
        .collect()
}
