//! Reading a collections body. Whatever is wrong here fails the whole call (salesforce-contract.md §2.6).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::submitted::Submitted;
use crate::org::OrgState;
use crate::refusal::CallError;
use crate::schema::{Field, ObjectName};

/// Most records in one collections request. Source: salesforce-contract.md §2.1.
const MAX_RECORDS: usize = 200;

/// Most runs of records of one type in one request. Source: salesforce-contract.md §2.1.
const MAX_CHUNKS: usize = 10;

/// What a collections request does.
#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Create,
    Update,
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
}

/// A collections request whose fields all exist and have readable values.
#[derive(Debug)]
pub(crate) struct WriteRequest {
    pub operation: Operation,
    pub all_or_none: bool,
    pub records: Vec<Submitted>,
}

impl UpsertKey {
    /// Finds the key field of `…/composite/sobjects/{object}/{name}`.
    ///
    /// # Errors
    /// 404 when there is no such field or it is not indexed (salesforce-contract.md §2.6 and §10).
    pub(crate) fn find(state: &OrgState, object: ObjectName, name: &str) -> Result<Self, CallError> {
        if name.eq_ignore_ascii_case("Id") {
            return Ok(Self::Id);
        }
        let field = state
            .table(object)
            .schema()
            .field(name)
            .filter(|field| field.is_upsert_key());
        field.map(|field| Self::Field(Arc::clone(field))).ok_or_else(|| {
            let message = format!("Provided external ID field does not exist or is not accessible: {name}");
            CallError {
                message,
                ..CallError::no_such_resource()
            }
        })
    }
}

impl WriteRequest {
    /// Reads the body of a collections request.
    ///
    /// # Errors
    /// What fails the whole call; nothing is stored then.
    pub(crate) fn read(state: &OrgState, operation: Operation, body: &[u8]) -> Result<Self, CallError> {
        let body: Value = serde_json::from_slice(body).map_err(|error| {
            parser_error(format!(
                "Unexpected character or end of input at [line:{}, column:{}]",
                error.line(),
                error.column()
            ))
        })?;
        let Value::Object(members) = body else {
            return Err(parser_error(
                "The body is not an object at [line:1, column:1]".to_owned(),
            ));
        };

        let mut all_or_none = false;
        let mut records = None;
        for (name, value) in members {
            match (name.as_str(), value) {
                ("allOrNone", Value::Bool(flag)) => all_or_none = flag,
                ("records", Value::Array(elements)) => records = Some(elements),
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
            return Err(CallError::bad_request(
                "EXCEEDED_ID_LIMIT",
                format!("record limit reached. cannot submit more than {MAX_RECORDS} records into this call"),
            ));
        }
        let records: Vec<Submitted> = records
            .into_iter()
            .enumerate()
            .map(|(position, record)| {
                let Value::Object(members) = record else {
                    return Err(parser_error(format!(
                        "Record {position} is not an object at [line:1, column:1]"
                    )));
                };
                let object = object_of(&operation, position, &members)?;
                Submitted::read(state, object, members)
            })
            .collect::<Result<_, _>>()?;
        if records.chunk_by(|one, next| one.object == next.object).count() > MAX_CHUNKS {
            return Err(CallError::bad_request(
                "LIMIT_EXCEEDED",
                format!(
                    "Cannot have more than {MAX_CHUNKS} chunks in a single operation. Please rearrange the data to reduce chunking."
                ),
            ));
        }
        Ok(Self {
            operation,
            all_or_none,
            records,
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
            records,
        }
    }
}

/// Returns the object that `attributes.type` names. Source: salesforce-contract.md §2.1 and §2.6.
fn object_of(
    operation: &Operation,
    position: usize,
    members: &Map<String, Value>,
) -> Result<ObjectName, CallError> {
    let name = members
        .get("attributes")
        .and_then(|attributes| attributes.get("type"))
        .and_then(Value::as_str)
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
        Operation::Create | Operation::Update | Operation::Upsert { .. } => Ok(object),
    }
}

fn parser_error(message: String) -> CallError {
    CallError::bad_request("JSON_PARSER_ERROR", message)
}
