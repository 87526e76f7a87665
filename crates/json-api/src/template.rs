//! Paths with variables, as `google.api.http` writes them:
//! `/v1/{name=workspaces/*/destinations/*}:activate`.

use std::ops::Range;

use percent_encoding::percent_decode_str;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    text: String,
    segments: Vec<Segment>,
    pub(crate) variables: Vec<Variable>,
    /// What is behind the colon; empty when there is none.
    verb: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// `*`: any one segment.
    Any,
}

/// A part of the path that is the value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Path of the field in the request message.
    pub(crate) field: String,
    segments: Range<usize>,
}

/// The path of a request, taken apart.
///
/// A colon in the last segment starts a verb; one that belongs to an id is
/// written `%3A`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RequestedPath {
    segments: Vec<String>,
    verb: String,
}

impl Template {
    /// Reads the notation; fails with what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix('/').ok_or("it must start with /")?;
        let (path, verb) = match path.rfind([':', '}', '/']) {
            Some(at) if path[at..].starts_with(':') => (&path[..at], &path[at + 1..]),
            _ => (path, ""),
        };
        let mut template = Self {
            text: text.to_owned(),
            segments: Vec::new(),
            variables: Vec::new(),
            verb: verb.to_owned(),
        };
        let mut rest = path;
        loop {
            rest = if let Some(opened) = rest.strip_prefix('{') {
                let (variable, rest) = opened.split_once('}').ok_or("a { is not closed")?;
                template.push_variable(variable)?;
                rest
            } else {
                let (segment, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                template.segments.push(Segment::parse(segment)?);
                rest
            };
            if rest.is_empty() {
                return Ok(template);
            }
            rest = rest.strip_prefix('/').ok_or("a variable must end its segment")?;
        }
    }

    fn push_variable(&mut self, text: &str) -> Result<(), String> {
        let (field, pattern) = text.split_once('=').unwrap_or((text, "*"));
        let start = self.segments.len();
        for segment in pattern.split('/') {
            self.segments.push(Segment::parse(segment)?);
        }
        self.variables.push(Variable {
            field: field.to_owned(),
            segments: start..self.segments.len(),
        });
        Ok(())
    }

    /// Returns the values of the variables, in their order, when the path is
    /// one of this template.
    pub(crate) fn values(&self, path: &RequestedPath) -> Option<Vec<String>> {
        let fits = self.verb == path.verb
            && self.segments.len() == path.segments.len()
            && self
                .segments
                .iter()
                .zip(&path.segments)
                .all(|(segment, given)| segment.takes(given));
        fits.then(|| {
            self.variables
                .iter()
                .map(|variable| path.segments[variable.segments.clone()].join("/"))
                .collect()
        })
    }

    /// Tells whether every path of one is a path of the other.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.segments == other.segments && self.verb == other.verb
    }

    /// Returns the path as OpenAPI writes it, and for each placeholder in it
    /// its name and the variable that it is part of.
    pub(crate) fn placeholders(&self) -> (String, Vec<(String, &Variable)>) {
        let mut path = String::new();
        let mut placeholders: Vec<(String, &Variable)> = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            path.push('/');
            let variable = self
                .variables
                .iter()
                .find(|variable| variable.segments.contains(&index));
            match (segment, variable) {
                (Segment::Literal(literal), _) => path.push_str(literal),
                (Segment::Any, Some(variable)) => {
                    let mut name = self.placeholder(index, variable);
                    while placeholders.iter().any(|(taken, _)| *taken == name) {
                        name.push('_');
                    }
                    path.push_str(&format!("{{{name}}}"));
                    placeholders.push((name, variable));
                }
                // It is nobody's value: `parse` lets it stand, no annotation of ours has it.
                (Segment::Any, None) => path.push('*'),
            }
        }
        if !self.verb.is_empty() {
            path.push(':');
            path.push_str(&self.verb);
        }
        (path, placeholders)
    }

    /// Names one segment of a variable: after its collection
    /// (`workspaces/{workspace}`), or after the field when it is all of it.
    fn placeholder(&self, index: usize, variable: &Variable) -> String {
        match index.checked_sub(1).map(|before| &self.segments[before]) {
            Some(Segment::Literal(collection)) if variable.segments.len() > 1 => singular(collection),
            _ => variable.field.rsplit('.').next().unwrap_or_default().to_owned(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl Segment {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "*" => Ok(Self::Any),
            "**" => Err("** is not supported".to_owned()),
            _ if !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) =>
            {
                Ok(Self::Literal(text.to_owned()))
            }
            _ => Err(format!("'{text}' is no segment")),
        }
    }

    fn takes(&self, given: &str) -> bool {
        match self {
            Self::Literal(literal) => literal == given,
            Self::Any => !given.is_empty(),
        }
    }
}

impl RequestedPath {
    /// Takes the path apart; `None` when it is none that anything could have.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let (path, verb) = match path.rfind([':', '/']) {
            Some(at) if path[at..].starts_with(':') => (&path[..at], &path[at + 1..]),
            _ => (path, ""),
        };
        let decoded = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .map(std::borrow::Cow::into_owned)
        };
        Some(Self {
            segments: path.split('/').map(decoded).collect::<Result<_, _>>().ok()?,
            verb: decoded(verb).ok()?,
        })
    }
}

fn singular(collection: &str) -> String {
    match collection.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => collection.strip_suffix('s').unwrap_or(collection).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(template: &str, path: &str) -> Option<Vec<String>> {
        Template::parse(template)
            .unwrap()
            .values(&RequestedPath::parse(path)?)
    }

    #[test]
    fn a_variable_is_what_its_segments_are_together() {
        let template = "/v1/{name=workspaces/*/destinations/*}/segments/{segment.id}";
        let expected = Some(vec!["workspaces/a/destinations/b".to_owned(), "s/1:x".to_owned()]);
        assert_eq!(
            values(template, "/v1/workspaces/a/destinations/b/segments/s%2F1%3Ax"),
            expected
        );
    }

    #[test]
    fn a_path_fits_whole_or_not_at_all() {
        let template = "/v1/{name=workspaces/*}:check";
        assert!(values(template, "/v1/workspaces/a:check").is_some());
        for other in [
            "/v1/workspaces/a",
            "/v1/workspaces/a:checked",
            "/v1/workspaces/a%3Acheck",
            "/v1/workspaces/:check",
            "/v1/workspaces/a/:check",
            "/v1/Workspaces/a:check",
            "/v1/workspaces/%FF:check",
            "/v2/workspaces/a:check",
            "*",
        ] {
            assert_eq!(values(template, other), None, "{other}");
        }
    }

    #[test]
    fn placeholders_are_named_after_their_collections() {
        let template = "/v1/{name=workspaces/*/policies/*}/segments/{segment.id}:renew";
        let template = Template::parse(template).unwrap();
        let (path, placeholders) = template.placeholders();
        assert_eq!(
            path,
            "/v1/workspaces/{workspace}/policies/{policy}/segments/{id}:renew"
        );
        let fields: Vec<&str> = placeholders
            .iter()
            .map(|(_, variable)| variable.field.as_str())
            .collect();
        assert_eq!(fields, ["name", "name", "segment.id"]);
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in [
            "v1",
            "/",
            "/v1/",
            "/v1/{name",
            "/v1/{name}x",
            "/v1/{name=**}",
            "/v1/a b",
            "//v1",
        ] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
