//! Which HTTP request is which call: the `google.api.http` annotations.

use http::{Method, uri::PathAndQuery};
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, ServiceDescriptor, Value,
};

use crate::{
    SetUpError,
    field_path::{FieldPath, etag, field},
    template::{RequestedPath, Template},
};

const ANNOTATION: &str = "google.api.http";

/// One HTTP form of one call.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) template: Template,
    pub(crate) rpc: MethodDescriptor,
    /// Which of the call's forms it is, from 0: the annotation's own, then its additional bindings.
    pub(crate) binding: usize,
    /// Path of the call in gRPC.
    pub(crate) grpc_path: PathAndQuery,
    pub(crate) body: RequestBody,
    /// The field that is answered; the whole response when there is none.
    pub(crate) answered: Option<FieldDescriptor>,
    /// The fields that the template's variables are, in their order.
    pub(crate) bound: Vec<FieldPath>,
    /// The field that `If-Match` is.
    pub(crate) etag: Option<FieldPath>,
}

/// What of the request message is in the body; the rest is in the path and the
/// query.
#[derive(Debug, Clone)]
pub(crate) enum RequestBody {
    None,
    /// All that is not in the path.
    Whole,
    Field(FieldDescriptor),
}

/// All routes.
#[derive(Debug)]
pub(crate) struct RouteTable {
    pub(crate) routes: Vec<Route>,
    /// Calls without an annotation.
    pub(crate) without_json: Vec<MethodDescriptor>,
}

/// What a method and a path lead to.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Route { route: &'a Route, values: Vec<String> },
    WrongMethod { allowed: Vec<Method> },
    Nothing,
}

impl RouteTable {
    /// Reads the annotations of the services named, and of no other.
    pub(crate) fn read(pool: &DescriptorPool, services: &[&str]) -> Result<Self, SetUpError> {
        let mut table = Self {
            routes: Vec::new(),
            without_json: Vec::new(),
        };
        for name in services {
            let service: ServiceDescriptor = pool
                .get_service_by_name(name)
                .ok_or_else(|| SetUpError::NoService((*name).to_owned()))?;
            for rpc in service.methods() {
                let rules = rules(pool, &rpc);
                if rules.is_empty() {
                    table.without_json.push(rpc);
                    continue;
                }
                for (binding, rule) in rules.iter().enumerate() {
                    let route = Route::read(&rpc, binding, rule)
                        .and_then(|route| table.unambiguous(route))
                        .map_err(|problem| SetUpError::Annotation {
                            rpc: rpc.full_name().to_owned(),
                            problem,
                        })?;
                    table.routes.push(route);
                }
            }
        }
        Ok(table)
    }

    fn unambiguous(&self, route: Route) -> Result<Route, String> {
        let same =
            |other: &&Route| other.method == route.method && other.template.is_same_as(&route.template);
        match self.routes.iter().find(same) {
            Some(other) => Err(format!("{} has the same", other.rpc.full_name())),
            None => Ok(route),
        }
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Some(path) = RequestedPath::parse(path) else {
            return Found::Nothing;
        };
        // HEAD is GET, whose body the server leaves out.
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let mut allowed = Vec::new();
        for route in &self.routes {
            if let Some(values) = route.template.values(&path) {
                if route.method == *method {
                    return Found::Route { route, values };
                }
                allowed.push(route.method.clone());
            }
        }
        if allowed.is_empty() {
            Found::Nothing
        } else {
            Found::WrongMethod { allowed }
        }
    }
}

impl Route {
    /// Reads one rule; fails with what is wrong in it.
    fn read(rpc: &MethodDescriptor, binding: usize, rule: &DynamicMessage) -> Result<Self, String> {
        if rpc.is_client_streaming() || rpc.is_server_streaming() {
            return Err("a stream has no JSON form".to_owned());
        }
        let (method, path) = [
            ("get", Method::GET),
            ("put", Method::PUT),
            ("post", Method::POST),
            ("delete", Method::DELETE),
            ("patch", Method::PATCH),
        ]
        .into_iter()
        .find(|(name, _)| rule.has_field_by_name(name))
        .map(|(name, method)| (method, text(rule, name)))
        .ok_or("it has none of get, put, post, delete and patch")?;
        let template = Template::parse(&path)?;
        let input = rpc.input();
        let bound: Vec<FieldPath> = template
            .variables
            .iter()
            .map(|variable| {
                FieldPath::find(&input, &variable.field)
                    .filter(|path| path.last().kind() == Kind::String && !path.last().is_list())
                    .ok_or_else(|| format!("'{}' is no text field of the request", variable.field))
            })
            .collect::<Result<_, _>>()?;
        let message_field = |message: &prost_reflect::MessageDescriptor, name: &str| {
            field(message, name)
                .filter(|field| field.kind().as_message().is_some() && !field.is_list() && !field.is_map())
                .ok_or_else(|| format!("'{name}' is no message field of {}", message.name()))
        };
        let body = match text(rule, "body").as_str() {
            "" => RequestBody::None,
            "*" => RequestBody::Whole,
            name => RequestBody::Field(message_field(&input, name)?),
        };
        let answered = match text(rule, "response_body").as_str() {
            "" => None,
            name => Some(message_field(&rpc.output(), name)?),
        };
        let grpc_path = format!("/{}/{}", rpc.parent_service().full_name(), rpc.name());
        Ok(Self {
            method,
            template,
            rpc: rpc.clone(),
            binding,
            grpc_path: grpc_path.parse().map_err(|_| format!("{grpc_path} is no path"))?,
            etag: etag_of(rpc, &body, &bound),
            body,
            answered,
            bound,
        })
    }
}

/// The request's own etag, or that of the resource in its body: the body is it,
/// or the path names it (`{book.name=…}`).
fn etag_of(rpc: &MethodDescriptor, body: &RequestBody, bound: &[FieldPath]) -> Option<FieldPath> {
    let own = etag(&rpc.input()).map(FieldPath::from);
    own.or_else(|| {
        let resource = match body {
            RequestBody::Field(resource) => resource,
            RequestBody::Whole => bound.iter().find(|path| path.only().is_none())?.first(),
            RequestBody::None => return None,
        };
        let etag = etag(resource.kind().as_message()?)?;
        Some(FieldPath::from(resource.clone()).child(etag))
    })
}

/// Returns the rule of a call and its additional bindings.
fn rules(pool: &DescriptorPool, rpc: &MethodDescriptor) -> Vec<DynamicMessage> {
    // Without `google/api/annotations.proto` nothing is annotated.
    let Some(extension) = pool.get_extension_by_name(ANNOTATION) else {
        return Vec::new();
    };
    let options = rpc.options();
    if !options.has_extension(&extension) {
        return Vec::new();
    }
    let value = options.get_extension(&extension);
    let Some(rule) = value.as_message() else {
        return Vec::new();
    };
    let more = rule.get_field_by_name("additional_bindings");
    let more = more.as_deref().and_then(Value::as_list).unwrap_or_default();
    let mut rules = vec![rule.clone()];
    rules.extend(more.iter().filter_map(Value::as_message).cloned());
    rules
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value
        .as_deref()
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::{read_annotation, table};

    fn found(method: &Method, path: &str) -> String {
        match table().find(method, path) {
            Found::Route { route, values } => format!("{} {}", route.rpc.name(), values.join(" ")),
            Found::WrongMethod { allowed } => format!("{allowed:?}"),
            Found::Nothing => "nothing".to_owned(),
        }
    }

    #[test]
    fn a_method_and_a_path_lead_to_a_call() {
        for (method, path, call) in [
            (Method::GET, "/v1/rooms/a/books/b", "GetBook rooms/a/books/b"),
            (Method::GET, "/v1/books/b", "GetBook books/b"),
            (Method::HEAD, "/v1/books/b", "GetBook books/b"),
            (Method::PATCH, "/v1/rooms/a/books/b", "UpdateBook rooms/a/books/b"),
            (
                Method::POST,
                "/v1/rooms/a/books/b:lend",
                "LendBook rooms/a/books/b",
            ),
            (Method::GET, "/v1/rooms/a/books", "FindBooks rooms/a"),
            (Method::DELETE, "/v1/rooms/a/books/b", "[GET, PATCH]"),
            (Method::GET, "/v1/rooms/a/books/b:lend", "[POST]"),
            (Method::POST, "/v1/rooms/a/books/b:burn", "nothing"),
            (Method::GET, "/library.v1.LibraryService/WatchBooks", "nothing"),
        ] {
            assert_eq!(found(&method, path), call, "{path}");
        }
        let without: Vec<String> = table()
            .without_json
            .iter()
            .map(|rpc| rpc.name().to_owned())
            .collect();
        assert_eq!(without, ["WatchBooks"]);
    }

    #[test]
    fn an_annotation_that_cannot_be_used_is_refused_and_named() {
        for (annotation, returns, problem) in [
            (
                "get: \"/v1/{name}\"",
                "stream Message",
                "a stream has no JSON form",
            ),
            ("body: \"*\"", "Message", "none of get"),
            ("get: \"v1\"", "Message", "start with /"),
            ("get: \"/v1/{nom}\"", "Message", "'nom' is no text field"),
            ("get: \"/v1/{number}\"", "Message", "'number' is no text field"),
            (
                "post: \"/v1\" body: \"name\"",
                "Message",
                "'name' is no message field",
            ),
            (
                "get: \"/v1\" response_body: \"x\"",
                "Message",
                "'x' is no message field",
            ),
            (
                "get: \"/v1/{name}\" additional_bindings {get: \"/v1/{inner.name}\"}",
                "Message",
                "Service.Call has the same",
            ),
        ] {
            let error = read_annotation(annotation, returns).unwrap_err().to_string();
            assert!(
                error.starts_with("the annotation of Service.Call") && error.contains(problem),
                "{error}"
            );
        }
        assert!(read_annotation("get: \"/v1/{inner.name}\"", "Message").is_ok());
    }
}
