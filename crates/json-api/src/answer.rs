//! Answers: the response message, or the resource in it, as JSON.

use axum::{body::Body, response::Response};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
};
use prost_reflect::{
    DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage, SerializeOptions, Value,
};

use crate::{
    field_path::{FieldPath, etag},
    problem::Problem,
    route::Route,
};

/// Writes the answer of a call, with zero values so that no field is missing
/// that a script might ask for.
pub(crate) fn response(route: &Route, message: DynamicMessage) -> Result<Response, Problem> {
    let answered = match &route.answered {
        None => message,
        Some(field) => inner(message, field),
    };
    let mut body = serde_json::Serializer::new(Vec::new());
    let options = SerializeOptions::new().skip_default_fields(false);
    answered
        .serialize_with_options(&mut body, &options)
        .map_err(|_| Problem::unwritable())?;
    let mut response = json(body.into_inner());
    if let Some(etag) = etag_of(&answered) {
        response.headers_mut().insert(ETAG, etag);
    }
    Ok(response)
}

/// Makes an answer of JSON. It is about now, so nobody may keep it.
pub(crate) fn json(mut json: Vec<u8>) -> Response {
    json.push(b'\n');
    let mut response = Response::new(Body::from(json));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn inner(mut message: DynamicMessage, field: &FieldDescriptor) -> DynamicMessage {
    match message.take_field(field) {
        Some(Value::Message(inner)) => inner,
        // `Route::read` lets only messages be answered, so that it is absent.
        _ => field
            .kind()
            .as_message()
            .map_or(message, |absent| DynamicMessage::new(absent.clone())),
    }
}

/// Returns where the etag of an answer is: its own, or that of the one
/// resource in it.
pub(crate) fn etag_path(answered: &MessageDescriptor) -> Option<FieldPath> {
    if let Some(own) = etag(answered) {
        return Some(own.into());
    }
    let mut resources = answered.fields().filter_map(|field| {
        let etag = etag(field.kind().as_message()?)?;
        (!field.is_list() && !field.is_map()).then(|| FieldPath::from(field).child(etag))
    });
    resources.next().filter(|_| resources.next().is_none())
}

fn etag_of(answered: &DynamicMessage) -> Option<HeaderValue> {
    let value = etag_path(&answered.descriptor())?.get(answered)?;
    HeaderValue::from_str(&format!("\"{}\"", value.as_str()?)).ok()
}
