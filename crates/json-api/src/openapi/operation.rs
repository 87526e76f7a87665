//! One operation: its parameters, body and answers.

use http::Method;
use prost_reflect::FieldDescriptor;
use serde_json::{Value as Json, json};

use super::{comments::Comments, schema::Schemas};
use crate::{
    answer::etag_path,
    field_path::FieldPath,
    headers::MAX_TIMEOUT_SECONDS,
    request::query_parameters,
    route::{RequestBody, Route},
};

/// Returns the path of a route, and what is done there.
pub(crate) fn describe(route: &Route, comments: &Comments, schemas: &mut Schemas<'_>) -> (String, Json) {
    let (path, mut parameters) = in_path(route, comments);
    for field in query_parameters(route) {
        parameters.push(in_query(&field, comments, schemas));
    }
    if route.etag.is_some() {
        parameters.push(shared("IfMatch"));
    }
    if route.method != Method::GET {
        parameters.push(shared("Actor"));
    }
    parameters.push(shared("Timeout"));

    let comment = comments.of_call(&route.rpc);
    let summary = comment.split_once(". ").map_or(comment, |(first, _)| first);
    let mut operation = json!({
        "operationId": format!("{}_{}", route.rpc.parent_service().name(), route.rpc.name()),
        "tags": [route.rpc.parent_service().name()],
        "summary": summary.trim_end_matches('.'),
        "description": format!("{comment}\n\nIn gRPC: `{}`.", route.grpc_path.path().trim_start_matches('/')),
        "parameters": parameters,
        "responses": responses(route, schemas),
    });
    if let Some(body) = request_body(route, comments, schemas) {
        operation["requestBody"] = body;
    }
    (path, operation)
}

/// Parameters that are in headers, the same for all operations that have them.
pub(crate) fn shared_parameters() -> Json {
    json!({
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "description": "The `ETag` of what was read. When it was changed since, the answer is 412.",
            "schema": {"type": "string", "pattern": "^(\\*|\"[^\"]+\")$"},
        },
        "Actor": {
            "name": "Sluice-Actor",
            "in": "header",
            "description": "Who does it, for people: a name or an e-mail address, at most 200 characters.",
            "schema": {"type": "string"},
        },
        "Timeout": {
            "name": "X-Server-Timeout",
            "in": "header",
            "description": "How long the caller waits, in seconds. After that the answer is 504.",
            "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT_SECONDS},
        },
    })
}

fn shared(name: &str) -> Json {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

fn in_path(route: &Route, comments: &Comments) -> (String, Vec<Json>) {
    let (path, placeholders) = route.template.placeholders();
    let parameter = |(name, variable): (String, &crate::template::Variable)| {
        let field = route
            .template
            .variables
            .iter()
            .position(|other| other == variable)
            .map(|index| route.bound[index].last());
        let comment = field.map(|field| comments.of_field(field)).unwrap_or_default();
        json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": format!("Of `{}`: {comment}", variable.field),
            "schema": {"type": "string", "minLength": 1},
        })
    };
    (path, placeholders.into_iter().map(parameter).collect())
}

fn in_query(path: &FieldPath, comments: &Comments, schemas: &mut Schemas<'_>) -> Json {
    json!({
        "name": path.json_name(),
        "in": "query",
        "required": comments.marks(path.last()).is_required,
        "description": comments.of_field(path.last()),
        "schema": schemas.field(path.last()),
    })
}

fn request_body(route: &Route, comments: &Comments, schemas: &mut Schemas<'_>) -> Option<Json> {
    let input = route.rpc.input();
    let (schema, is_required) = match &route.body {
        RequestBody::None => return None,
        RequestBody::Field(field) => (schemas.field(field), comments.marks(field).is_required),
        RequestBody::Whole => {
            let bound: Vec<FieldDescriptor> =
                route.bound.iter().filter_map(FieldPath::only).cloned().collect();
            let mut schema = schemas.object(&input, &bound);
            let required: Vec<String> = input
                .fields()
                .filter(|field| !bound.contains(field) && comments.marks(field).is_required)
                .map(|field| field.json_name().to_owned())
                .collect();
            let is_required = !required.is_empty();
            if is_required {
                schema["required"] = required.into();
            }
            (schema, is_required)
        }
    };
    Some(json!({"required": is_required, "content": {"application/json": {"schema": schema}}}))
}

fn responses(route: &Route, schemas: &mut Schemas<'_>) -> Json {
    let answered = match &route.answered {
        Some(field) => field.kind().as_message().cloned(),
        None => None,
    }
    .unwrap_or_else(|| route.rpc.output());
    let mut ok = json!({
        "description": "The call succeeded.",
        "content": {"application/json": {"schema": schemas.message(&answered)}},
    });
    if etag_path(&answered).is_some() {
        ok["headers"] = json!({
            "ETag": {
                "description": "What to send as `If-Match` with a change.",
                "schema": {"type": "string"},
            },
        });
    }
    let problem = json!({"$ref": "#/components/responses/Problem"});
    let mut responses = json!({"200": ok, "400": problem});
    let is_of_something = !route.bound.is_empty();
    for (status, applies) in [
        ("404", is_of_something),
        ("409", route.method != Method::GET),
        ("412", route.etag.is_some()),
    ] {
        if applies {
            responses[status] = problem.clone();
        }
    }
    responses["default"] = problem;
    responses
}
