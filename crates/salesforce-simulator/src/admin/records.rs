//! Records: seeded and read back, past every rule that binds the API.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{AdminError, AdminResult, answer, not_found, object, org, read, read_list};
use crate::ids::RecordId;
use crate::org::{Org, Slot, Table, Values};
use crate::schema::ObjectName;
use crate::value;
use crate::world::World;

pub(super) async fn create(
    State(world): State<Arc<World>>,
    Path((host, object_name)): Path<(String, String)>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let ids = seed(&org, object(&object_name)?, read_list(&body)?)?;
    Ok(answer(StatusCode::CREATED, &ids))
}

pub(super) async fn list(
    State(world): State<Arc<World>>,
    Path((host, object_name)): Path<(String, String)>,
) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    let table = state.table(object(&object_name)?);
    let records: Vec<Map<String, Value>> = table
        .records()
        .iter()
        .map(|record| record.known_fields(table.schema()))
        .collect();
    Ok(answer(StatusCode::OK, &records))
}

pub(super) async fn get(
    State(world): State<Arc<World>>,
    Path((host, object_name, id)): Path<(String, String, String)>,
) -> AdminResult {
    let org = org(&world, &host)?;
    let state = org.state();
    let table = state.table(object(&object_name)?);
    let slot = find(table, &id)?;
    Ok(answer(
        StatusCode::OK,
        &table.record(slot).known_fields(table.schema()),
    ))
}

pub(super) async fn change(
    State(world): State<Arc<World>>,
    Path((host, object_name, id)): Path<(String, String, String)>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let changes: Map<String, Value> = read(&body)?;
    let mut state = org.state();
    let table = state.table_mut(object(&object_name)?);
    let slot = find(table, &id)?;
    let mut values = table.record(slot).values.clone();
    for (name, value) in &changes {
        set(table, &mut values, name, value)?;
    }
    table.replace_values(slot, values);
    Ok(answer(
        StatusCode::OK,
        &table.record(slot).known_fields(table.schema()),
    ))
}

/// Stores records as given, without what the API would check or add.
/// Returns their ids, in the order given.
///
/// # Errors
/// An unknown field, a value its field cannot hold, or an id that is taken; nothing is stored then.
pub(crate) fn seed(
    org: &Org,
    object: ObjectName,
    records: Vec<Map<String, Value>>,
) -> Result<Vec<String>, AdminError> {
    let mut state = org.state();
    let table = state.table_mut(object);
    let mut prepared: Vec<(Option<RecordId>, Values)> = Vec::with_capacity(records.len());
    let mut taken = std::collections::HashSet::new();
    for record in records {
        let mut id = None;
        let mut values = Values::new();
        for (name, value) in &record {
            if name.eq_ignore_ascii_case("Id") {
                let given = own_id(table, value)?;
                if table.find(given).is_some() || !taken.insert(given) {
                    return Err(AdminError::conflict(format!("a record with id {given} exists")));
                }
                id = Some(given);
            } else {
                set(table, &mut values, name, value)?;
            }
        }
        prepared.push((id, values));
    }
    // Given ids first, so that a generated one cannot take theirs.
    let mut slots: Vec<Option<Slot>> = vec![None; prepared.len()];
    let (given, generated): (Vec<_>, Vec<_>) = prepared
        .into_iter()
        .enumerate()
        .partition(|(_, (id, _))| id.is_some());
    for (position, (id, values)) in given.into_iter().chain(generated) {
        slots[position] = Some(table.insert(id, values));
    }
    Ok(slots
        .into_iter()
        .flatten()
        .map(|slot| table.record(slot).id.to_string())
        .collect())
}

fn set(table: &Table, values: &mut Values, name: &str, value: &Value) -> Result<(), AdminError> {
    let object = table.object.name();
    let field = table
        .schema()
        .field(name)
        .ok_or_else(|| AdminError::bad_request(format!("{object} has no field {name}")))?;
    let read = value::read(field, value)
        .map_err(|error| AdminError::bad_request(format!("{object}.{name}: {}", error.message)))?;
    let stored = value::check(field, read)
        .map_err(|error| AdminError::bad_request(format!("{object}.{name}: {}", error.message)))?;
    values.insert(&field.name, stored);
    Ok(())
}

fn own_id(table: &Table, value: &Value) -> Result<RecordId, AdminError> {
    let object = table.object;
    value
        .as_str()
        .and_then(|text| RecordId::parse_of(object.key_prefix(), text))
        .ok_or_else(|| AdminError::bad_request(format!("{} is no id of a {}", json!(value), object.name())))
}

fn find(table: &Table, id: &str) -> Result<Slot, AdminError> {
    RecordId::parse(id)
        .and_then(|id| table.find(id))
        .ok_or_else(|| not_found(format!("{} {id} does not exist", table.object.name())))
}
