//! Query parameters: fields that are neither in the path nor in the body.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};
use serde_json::Value as Json;
use url::form_urlencoded;

use super::json;
use crate::{
    field_path::FieldPath,
    problem::Violation,
    route::{RequestBody, Route},
};

/// Sets what the query gives.
pub(crate) fn apply(route: &Route, query: &str, message: &mut DynamicMessage, wrong: &mut Vec<Violation>) {
    let mut given: Vec<FieldPath> = Vec::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        let path = match parameter(route, &name) {
            Ok(path) => path,
            Err(violation) => {
                wrong.push(violation);
                continue;
            }
        };
        let field = path.last();
        if given.contains(&path) && !field.is_list() {
            wrong.push(Violation::new(path.to_string(), "is given twice"));
            continue;
        }
        let Some(value) = read(field, &text) else {
            wrong.push(Violation::new(path.to_string(), json::expected(&field.kind())));
            continue;
        };
        let value = if field.is_list() {
            let mut values = match path.get(message) {
                Some(Value::List(values)) => values,
                _ => Vec::new(),
            };
            values.push(value);
            Value::List(values)
        } else {
            value
        };
        path.set(message, value);
        given.push(path);
    }
}

/// Finds the field that a parameter is.
fn parameter(route: &Route, name: &str) -> Result<FieldPath, Violation> {
    let unknown = || {
        let names: Vec<String> = parameters(route).iter().map(FieldPath::json_name).collect();
        let problem = if names.is_empty() {
            "is not known; this call takes no query parameters".to_owned()
        } else {
            format!(
                "is not known; the query parameters of this call: {}",
                names.join(", ")
            )
        };
        Violation::new(name, problem)
    };
    let path = FieldPath::find(&route.rpc.input(), name).ok_or_else(unknown)?;
    if route.bound.contains(&path) {
        return Err(Violation::new(name, "is in the path; leave it out of the query"));
    }
    let in_body = match &route.body {
        RequestBody::None => false,
        RequestBody::Whole => true,
        RequestBody::Field(field) => path.first() == field,
    };
    if in_body {
        return Err(Violation::new(name, "belongs in the body"));
    }
    if is_parameter(path.last()) {
        Ok(path)
    } else {
        Err(unknown())
    }
}

/// Returns all fields that can be given in the query.
pub(crate) fn parameters(route: &Route) -> Vec<FieldPath> {
    if matches!(route.body, RequestBody::Whole) {
        return Vec::new();
    }
    let mut parameters = Vec::new();
    for field in route.rpc.input().fields() {
        if matches!(&route.body, RequestBody::Field(body) if *body == field) {
            continue;
        }
        flatten(FieldPath::from(field), &mut parameters);
    }
    parameters.retain(|path| !route.bound.contains(path));
    parameters
}

fn flatten(path: FieldPath, into: &mut Vec<FieldPath>) {
    let field = path.last();
    if is_parameter(field) {
        into.push(path);
        return;
    }
    let kind = field.kind();
    let Some(message) = kind.as_message().filter(|_| !field.is_list() && !field.is_map()) else {
        return;
    };
    if json::is_googles(message) {
        return;
    }
    for inner in message.fields() {
        // A message within itself could be given without an end.
        let is_new = match inner.kind() {
            Kind::Message(other) => !path.passes(&other),
            _ => true,
        };
        if is_new {
            flatten(path.child(inner), into);
        }
    }
}

/// Tells whether a field can be written as text.
fn is_parameter(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::Message(message) => {
            !field.is_map()
                && json::is_googles(&message)
                && !matches!(message.name(), "Any" | "Struct" | "ListValue" | "Value" | "Empty")
        }
        _ => true,
    }
}

fn read(field: &FieldDescriptor, text: &str) -> Option<Value> {
    let is_boolean = match field.kind() {
        Kind::Bool => true,
        Kind::Message(message) => message.full_name() == "google.protobuf.BoolValue",
        _ => false,
    };
    let json = if is_boolean {
        Json::Bool(text.parse().ok()?)
    } else {
        // Numbers may be written as strings, everything else that fits here is one.
        Json::String(text.to_owned())
    };
    json::read(field, &json)
}
