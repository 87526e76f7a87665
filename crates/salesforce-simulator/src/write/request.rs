//! Reading a collections body. Whatever is wrong here fails the whole call (salesforce-contract.md §2.6).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::submitted::Submitted;
use crate::ids::RecordId;
use crate::json::{Json, Members};
use crate::org::{KeyNotIndexed, OrgState, UpsertKeyId};
use crate::refusal::CallError;
use crate::schema::{Field, FieldType, ObjectName};

/// Most records in one collections request. Source: salesforce-contract.md §2.1.
const MAX_RECORDS: usize = 200;

/// Most runs of records of one type in one request. Source: salesforce-contract.md §2.1.
const MAX_CHUNKS: usize = 10;

/// What a collections request does.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Upsert {
        object: ObjectName,
        key: UpsertKey,
        update_only: bool,
    },
}

/// What an upsert matches records by. Source: salesforce-contract.md §2.4 and §2.5.
#[derive(Debug, Clone)]
pub(crate) enum UpsertKey {
    Id,
    Field(Arc<Field>),
    /// A name that is no key, where the org refuses each record for it.
    Refused(String),
}

/// What the headers of a write ask for. Source: salesforce-contract.md §2.7.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WriteOptions {
    pub assignment: Assignment,
    pub duplicates: DuplicateOptions,
}

/// `Sforce-Auto-Assign`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Assignment {
    #[default]
    ActiveRule,
    Rule(RecordId),
    Off,
}

/// `Sforce-Duplicate-Rule-Header`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DuplicateOptions {
    pub allow_save: bool,
    /// Whether all fields of the matches are told, not only their ids.
    pub include_record_details: bool,
    /// Whether records that the user cannot see are no duplicates.
    pub run_as_current_user: bool,
}

/// A collections request whose fields all exist and have readable values.
#[derive(Debug)]
pub(crate) struct WriteRequest {
    pub operation: Operation,
    pub all_or_none: bool,
    pub options: WriteOptions,
    pub records: Vec<Submitted>,
}

impl UpsertKey {
    /// Finds the key field of `…/sobjects/{object}/{name}`.
    ///
    /// # Errors
    /// 404 or 400 when there is no such field or it is not indexed, unless the org refuses each record instead
    /// (salesforce-contract.md §2.6 and §10).
    pub(crate) fn find(state: &OrgState, object: ObjectName, name: &str) -> Result<Self, CallError> {
        let switches = state.switches();
        if name.eq_ignore_ascii_case("Id") && switches.upsert_key_id == UpsertKeyId::Accept {
            return Ok(Self::Id);
        }
        let field = state.table(object).schema().field(name);
        if let Some(field) = field.filter(|field| field.is_upsert_key() && field.field_type != FieldType::Id)
        {
            return Ok(Self::Field(Arc::clone(field)));
        }
        Self::missing(state, object, name)
    }

    /// Returns what stands for a key field that there is not, or that the caller does not see.
    ///
    /// # Errors
    /// 404 or 400, unless the org refuses each record instead.
    pub(crate) fn missing(state: &OrgState, object: ObjectName, name: &str) -> Result<Self, CallError> {
        match state.switches().key_not_indexed {
            KeyNotIndexed::NotFound => Err(no_such_key(name)),
            KeyNotIndexed::BadRequest => Err(CallError::bad_request(
                "INVALID_FIELD",
                no_key_message(name, object.name()),
            )),
            KeyNotIndexed::Element => Ok(Self::Refused(name.to_owned())),
        }
    }
}

/// Source: salesforce-contract.md §3.2.
pub(crate) fn no_such_key(name: &str) -> CallError {
    CallError {
        message: format!("Provided external ID field does not exist or is not accessible: {name}"),
        ..CallError::no_such_resource()
    }
}

/// Source: salesforce-contract.md §2.4.
pub(crate) fn no_key_message(name: &str, object: &str) -> String {
    format!(
        "Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for {object}"
    )
}

impl WriteRequest {
    /// Reads the body of a collections request.
    ///
    /// # Errors
    /// What fails the whole call; nothing is stored then.
    pub(crate) fn read(state: &OrgState, operation: Operation, body: &[u8]) -> Result<Self, CallError> {
        let members = read_object(body)?;

        let mut all_or_none = false;
        let mut records = None;
        for (name, value) in members {
            match (name.as_ref(), value) {
                ("allOrNone", Json::Bool(flag)) => all_or_none = flag,
                ("records", Json::Array(elements)) => records = Some(elements),
                (other, _) => {
                    return Err(parser_error(format!(
                        "Unrecognized field '{other}' at [line:1, column:1]"
                    )));
                }
            }
        }
        let records = records
            .ok_or_else(|| parser_error("The body has no 'records' at [line:1, column:1]".to_owned()))?;
        if records.len() > MAX_RECORDS {
            return Err(too_many_records());
        }
        let records: Vec<Submitted> = records
            .into_iter()
            .enumerate()
            .map(|(position, record)| {
                let Json::Object(members) = record else {
                    return Err(parser_error(format!(
                        "Record {position} is not an object at [line:1, column:1]"
                    )));
                };
                let object = object_of(&operation, position, &members)?;
                Submitted::read(state, object, members)
            })
            .collect::<Result<_, _>>()?;
        check_chunks(&records)?;
        Ok(Self {
            operation,
            all_or_none,
            options: WriteOptions::default(),
            records,
        })
    }

    /// Returns a request to delete the records with these ids, of any objects.
    ///
    /// # Errors
    /// More ids or runs of one object than a call may have.
    pub(crate) fn of_deletes(state: &OrgState, ids: &[&str], all_or_none: bool) -> Result<Self, CallError> {
        if ids.len() > MAX_RECORDS {
            return Err(too_many_records());
        }
        let mut records: Vec<Submitted> = Vec::with_capacity(ids.len());
        for id in ids {
            // An id that names no object starts no run of its own.
            let before = records.last().map_or(ObjectName::Contact, |record| record.object);
            records.push(Submitted::to_delete(state, id, before));
        }
        check_chunks(&records)?;
        Ok(Self {
            operation: Operation::Delete,
            all_or_none,
            options: WriteOptions::default(),
            records,
        })
    }

    /// Reads the body of a single-record request; naming the record is left to the caller.
    ///
    /// # Errors
    /// As of [`read`](Self::read).
    pub(crate) fn of_one(
        state: &OrgState,
        operation: Operation,
        object: ObjectName,
        body: &[u8],
    ) -> Result<Self, CallError> {
        let record = Submitted::read(state, object, read_object(body)?)?;
        Ok(Self {
            operation,
            all_or_none: false,
            options: WriteOptions::default(),
            records: vec![record],
        })
    }

    /// Returns a request for records of `object` that came as rows, such as those of CSV: each value is JSON or
    /// its text, null blanks a field, and whatever is wrong with a record fails that record alone.
    ///
    /// `Id` names the record of an update or delete. At most 200 records are applied at once; splitting is the
    /// caller's.
    pub(crate) fn of_records(
        state: &OrgState,
        operation: Operation,
        object: ObjectName,
        records: Vec<Map<String, Value>>,
    ) -> Self {
        let records = records
            .into_iter()
            .map(|members| Submitted::of_row(state, object, members))
            .collect();
        Self {
            operation,
            all_or_none: false,
            options: WriteOptions::default(),
            records,
        }
    }
}

/// Returns the object that `attributes.type` names. Source: salesforce-contract.md §2.1 and §2.6.
fn object_of(operation: &Operation, position: usize, members: &Members<'_>) -> Result<ObjectName, CallError> {
    let name = members
        .get("attributes")
        .and_then(|attributes| match attributes {
            Json::Object(attributes) => attributes.get("type"),
            _ => None,
        })
        .and_then(Json::as_str)
        .ok_or_else(|| {
            let message =
                format!("attributes.type must be given for every record, it is missing on record {position}");
            CallError::bad_request("MISSING_ARGUMENT", message)
        })?;
    let object = ObjectName::parse(name).ok_or_else(CallError::no_such_resource)?;
    match operation {
        Operation::Upsert { object: expected, .. } if *expected != object => Err(CallError::bad_request(
            "INVALID_TYPE",
            format!(
                "attributes.type of record {position} is {name}, the URI says {}",
                expected.name()
            ),
        )),
        Operation::Create | Operation::Update | Operation::Delete | Operation::Upsert { .. } => Ok(object),
    }
}

fn read_object(body: &[u8]) -> Result<Members<'_>, CallError> {
    let body = Json::read(body).map_err(|error| {
        parser_error(format!(
            "Unexpected character or end of input at [line:{}, column:{}]",
            error.line(),
            error.column()
        ))
    })?;
    match body {
        Json::Object(members) => Ok(members),
        _ => Err(parser_error(
            "The body is not an object at [line:1, column:1]".to_owned(),
        )),
    }
}

/// Source: salesforce-contract.md §2.1.
fn too_many_records() -> CallError {
    CallError::bad_request(
        "EXCEEDED_ID_LIMIT",
        format!("record limit reached. cannot submit more than {MAX_RECORDS} records into this call"),
    )
}

fn check_chunks(records: &[Submitted]) -> Result<(), CallError> {
    if records.chunk_by(|one, next| one.object == next.object).count() <= MAX_CHUNKS {
        return Ok(());
    }
    Err(CallError::bad_request(
        "LIMIT_EXCEEDED",
        format!(
            "Cannot have more than {MAX_CHUNKS} chunks in a single operation. Please rearrange the data to reduce chunking."
        ),
    ))
}

pub(super) fn parser_error(message: String) -> CallError {
    CallError::bad_request("JSON_PARSER_ERROR", message)
}
