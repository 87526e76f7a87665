//! A request message from path, query, body and `If-Match`.
//!
//! All that is wrong is collected and told at once, by the paths that the
//! services' own errors use.

pub(crate) mod json;
mod query;

pub(crate) use query::parameters as query_parameters;

use prost_reflect::{DynamicMessage, Value};
use serde_json::Value as Json;

use crate::{
    problem::Violation,
    route::{RequestBody, Route},
};

/// What a caller sent, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Given<'a> {
    /// Values of the template's variables, in their order.
    pub(crate) variables: Vec<String>,
    pub(crate) query: &'a str,
    pub(crate) if_match: Option<String>,
    /// `None` when the body is empty.
    pub(crate) body: Option<Json>,
}

/// Makes the request message of a route.
pub(crate) fn message(route: &Route, given: Given<'_>) -> Result<DynamicMessage, Vec<Violation>> {
    let mut wrong = Vec::new();
    let mut message = from_body(route, given.body, &mut wrong);
    for (path, value) in route.bound.iter().zip(given.variables) {
        let in_body = path.get(&message);
        if in_body.is_some_and(|in_body| in_body.as_str() != Some(&value)) {
            let problem = format!("must be '{value}', as in the path, or be left out");
            wrong.push(Violation::new(path.to_string(), problem));
        }
        path.set(&mut message, Value::String(value));
    }
    query::apply(route, given.query, &mut message, &mut wrong);
    if let Some(etag) = given.if_match {
        match &route.etag {
            None => wrong.push(Violation::new(
                "If-Match",
                "this call takes no etag; leave it out",
            )),
            Some(path) => {
                let other = path.get(&message);
                if other.is_some_and(|other| other.as_str() != Some(&etag)) {
                    wrong.push(Violation::new(
                        path.to_string(),
                        "must be the same as If-Match, or be left out",
                    ));
                }
                path.set(&mut message, Value::String(etag));
            }
        }
    }
    if wrong.is_empty() { Ok(message) } else { Err(wrong) }
}

fn from_body(route: &Route, body: Option<Json>, wrong: &mut Vec<Violation>) -> DynamicMessage {
    let input = route.rpc.input();
    let mut message = DynamicMessage::new(input.clone());
    match (&route.body, body) {
        (_, None) => {}
        (RequestBody::None, Some(_)) => {
            wrong.push(Violation::new("body", "this call takes none; leave it out"));
        }
        (RequestBody::Whole, Some(body)) => message = json::message(&input, &body, "", wrong),
        (RequestBody::Field(field), Some(body)) => {
            if let Some(value) = json::single(field, &body, field.name(), wrong) {
                message.set_field(field, value);
            }
        }
    }
    message
}

#[cfg(test)]
mod tests;
