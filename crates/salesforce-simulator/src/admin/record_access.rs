//! What happens to records besides writes: sharing, approval locks, merges.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::{AdminError, AdminResult, answer, org, read};
use crate::clock::datetime_out;
use crate::ids::RecordId;
use crate::org::{Access, OrgState, Slot};
use crate::schema::ObjectName;
use crate::world::World;

/// The body of `POST …/record-access`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAccess {
    ids: Vec<String>,
    access: Access,
}

/// The body of `POST …/merges`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    master: String,
    losers: Vec<String>,
}

/// Says what the API user may do with records from now on.
pub(super) async fn set(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let new: NewAccess = read(&body)?;
    let mut state = org.state();
    let ids: Vec<RecordId> = new
        .ids
        .iter()
        .map(|id| existing(&state, "ids", id).map(|(id, ..)| id))
        .collect::<Result<_, _>>()?;
    for id in ids {
        state.rules.set_access(id, new.access);
    }
    Ok(answer(StatusCode::OK, &json!({})))
}

/// Merges records: the losers are deleted with `MasterRecordId` set, and what looked them up looks up the
/// master.
pub(super) async fn merge(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    body: Bytes,
) -> AdminResult {
    let org = org(&world, &host)?;
    let merge: Merge = read(&body)?;
    let mut state = org.state();
    let (master, object, _) = existing(&state, "master", &merge.master)?;
    let mut losers = Vec::with_capacity(merge.losers.len());
    for id in &merge.losers {
        let (loser, other, slot) = existing(&state, "losers", id)?;
        if other != object || loser == master {
            return Err(AdminError::bad_request(format!(
                "losers: {id} must be another {} than the master",
                object.name()
            )));
        }
        losers.push((loser, slot));
    }
    let time = datetime_out(world.clock.now());
    for (loser, slot) in losers {
        let mut values = state.table(object).record(slot).values.clone();
        values.insert("IsDeleted", true);
        values.insert("MasterRecordId", master.to_string());
        values.insert("SystemModstamp", time.clone());
        state.table_mut(object).replace_values(slot, values);
        repoint(&mut state, loser, master);
    }
    Ok(answer(StatusCode::OK, &json!({})))
}

fn repoint(state: &mut OrgState, from: RecordId, to: RecordId) {
    let (from, to) = (from.to_string(), to.to_string());
    for object in ObjectName::ALL {
        let table = state.table(object);
        let lookups: Vec<String> = table
            .schema()
            .fields()
            .iter()
            .filter(|field| field.updateable && !field.reference_to.is_empty())
            .map(|field| field.name.clone())
            .collect();
        for slot in 0..table.records().len() {
            let values = &state.table(object).record(slot).values;
            let names: Vec<&String> = lookups
                .iter()
                .filter(|name| values.get(name).and_then(|id| id.as_str()) == Some(from.as_str()))
                .collect();
            if names.is_empty() {
                continue;
            }
            let mut values = values.clone();
            for name in names {
                values.insert(name, to.clone());
            }
            state.table_mut(object).replace_values(slot, values);
        }
    }
}

fn existing(state: &OrgState, member: &str, id: &str) -> Result<(RecordId, ObjectName, Slot), AdminError> {
    RecordId::parse(id)
        .and_then(|id| {
            let object = ObjectName::of_id(id)?;
            Some((id, object, state.table(object).find(id)?))
        })
        .ok_or_else(|| AdminError::bad_request(format!("{member}: {id} is the id of no record of the org")))
}
