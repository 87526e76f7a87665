//! The OpenAPI document of a route table: the protos, said once more.

mod comments;
mod operation;
mod schema;

use prost_reflect::DescriptorPool;
use serde_json::{Map, Value as Json, json};

use self::{comments::Comments, schema::Schemas};
use crate::{About, problem, route::RouteTable};

/// Writes the document.
pub(crate) fn document(pool: &DescriptorPool, table: &RouteTable, about: About<'_>) -> Json {
    let comments = Comments::read(pool);
    let mut schemas = Schemas::new(&comments, table);
    let mut paths: Map<String, Json> = Map::new();
    let mut tags: Vec<Json> = Vec::new();
    for route in &table.routes {
        let service = route.rpc.parent_service();
        let tag = json!({"name": service.name(), "description": comments.of_service(service)});
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        let (path, operation) = operation::describe(route, &comments, &mut schemas);
        let operations = paths.entry(path).or_insert_with(|| json!({}));
        operations[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": about.title,
            "version": about.version,
            "description": description(table, about),
            "license": {"name": about.license, "identifier": about.license},
        },
        // Where the document was read.
        "servers": [{"url": "/"}],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas.into_components(),
            "parameters": operation::shared_parameters(),
            "responses": {
                "Problem": {
                    "description": "The call was not made, or failed.",
                    "content": {problem::CONTENT: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                    "headers": {
                        "Retry-After": {
                            "description": "Seconds after which to try again, where that may help.",
                            "schema": {"type": "integer"},
                        },
                    },
                },
            },
        },
    })
}

fn description(table: &RouteTable, about: About<'_>) -> String {
    let names: Vec<String> = table
        .without_json
        .iter()
        .map(|rpc| format!("`{}`", rpc.full_name()))
        .collect();
    if names.is_empty() {
        return about.description.to_owned();
    }
    format!(
        "{}\n\nOnly in gRPC, because they are streams: {}.",
        about.description,
        names.join(", ")
    )
}
