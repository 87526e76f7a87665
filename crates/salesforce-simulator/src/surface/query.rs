//! The part of SOQL that the simulator reads:
//! `SELECT fields FROM object [WHERE Id = '…' | Id IN ('…', …)] [LIMIT n]`.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::read::shown;
use super::{ApiRequest, reply};
use crate::ids::RecordId;
use crate::org::{Org, OrgState};
use crate::refusal::CallError;
use crate::schema::{Field, ObjectName};

const GRAMMAR: &str =
    "the simulator reads SELECT fields FROM object [WHERE Id = '…' | Id IN ('…', …)] [LIMIT n]";

/// A parsed query.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    fields: Vec<String>,
    object: String,
    /// None asks for every record.
    ids: Option<Vec<String>>,
    limit: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

/// Answers `GET …/query?q=…`, all records at once.
pub(super) fn answer(org: &Org, state: &mut OrgState, request: &ApiRequest) -> Result<Response, CallError> {
    state.counters.query_calls += 1;
    let text = request
        .query("q")
        .ok_or_else(|| malformed("the parameter q is missing"))?;
    let query = Query::parse(&text)?;
    let records = if query.object.eq_ignore_ascii_case("Organization") {
        vec![organization(org, &query, &request.route.version)?]
    } else {
        records(state, &query, &request.route.version)?
    };
    Ok(reply::ok(
        &json!({"totalSize": records.len(), "done": true, "records": records}),
    ))
}

fn organization(org: &Org, query: &Query, version: &str) -> Result<Value, CallError> {
    let known = [
        ("Id", json!(org.id.to_string())),
        ("Name", json!(org.options.name)),
        ("OrganizationType", json!(org.options.organization_type)),
        ("IsSandbox", json!(org.options.is_sandbox())),
    ];
    let mut members = Map::new();
    members.insert(
        "attributes".to_owned(),
        json!({"type": "Organization", "url": format!("/services/data/{version}/sobjects/Organization/{}", org.id)}),
    );
    for field in &query.fields {
        let (name, value) = known
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(field))
            .ok_or_else(|| no_such_column(field, "Organization"))?;
        members.insert((*name).to_owned(), value.clone());
    }
    Ok(Value::Object(members))
}

fn records(state: &OrgState, query: &Query, version: &str) -> Result<Vec<Value>, CallError> {
    let object = ObjectName::parse(&query.object).ok_or_else(|| no_such_object(&query.object))?;
    let table = state.table(object);
    let fields: Vec<&Field> = query
        .fields
        .iter()
        .map(|name| {
            let field = table.schema().field(name).map(AsRef::as_ref);
            field.ok_or_else(|| no_such_column(name, object.name()))
        })
        .collect::<Result<_, _>>()?;
    let wanted: Option<Vec<RecordId>> = query
        .ids
        .as_ref()
        .map(|ids| {
            ids.iter()
                .map(|id| RecordId::parse(id).ok_or_else(|| invalid_id(id)))
                .collect()
        })
        .transpose()?;
    let show = |slot| table.record(slot);
    let limit = query.limit.unwrap_or(usize::MAX);
    let found: Vec<Value> = match wanted {
        // In the order of creation, each once, as a scan would find them.
        Some(ids) => {
            let mut slots: Vec<usize> = ids.into_iter().filter_map(|id| table.find(id)).collect();
            slots.sort_unstable();
            slots.dedup();
            slots.into_iter().map(show).collect::<Vec<_>>()
        }
        None => table.records().iter().collect(),
    }
    .into_iter()
    .filter(|record| !record.is("IsDeleted"))
    .take(limit)
    .map(|record| shown(table, record, &fields, version))
    .collect();
    Ok(found)
}

impl Query {
    fn parse(text: &str) -> Result<Self, CallError> {
        let mut tokens = tokens(text)?.into_iter().peekable();
        let mut next = || tokens.next();

        keyword(next().as_ref(), "SELECT")?;
        let mut fields = vec![word(next())?];
        let mut token = next();
        while token == Some(Token::Sign(',')) {
            fields.push(word(next())?);
            token = next();
        }
        keyword(token.as_ref(), "FROM")?;
        let object = word(next())?;

        let mut query = Self {
            fields,
            object,
            ids: None,
            limit: None,
        };
        let mut token = next();
        if is_keyword(token.as_ref(), "WHERE") {
            keyword(next().as_ref(), "Id")?;
            query.ids = Some(match next() {
                Some(Token::Sign('=')) => vec![quoted(next())?],
                operator if is_keyword(operator.as_ref(), "IN") => {
                    sign(next().as_ref(), '(')?;
                    let mut ids = vec![quoted(next())?];
                    let mut token = next();
                    while token == Some(Token::Sign(',')) {
                        ids.push(quoted(next())?);
                        token = next();
                    }
                    sign(token.as_ref(), ')')?;
                    ids
                }
                other => return Err(unexpected(other.as_ref())),
            });
            token = next();
        }
        if is_keyword(token.as_ref(), "LIMIT") {
            let limit = word(next())?;
            let limit = limit.parse().map_err(|_| unexpected(Some(&Token::Word(limit))))?;
            query.limit = Some(limit);
            token = next();
        }
        match token {
            None => Ok(query),
            Some(_) => Err(unexpected(token.as_ref())),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, CallError> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            space if space.is_whitespace() => {}
            '\'' => {
                let mut quoted = String::new();
                loop {
                    match characters.next() {
                        Some('\'') => break,
                        Some(character) => quoted.push(character),
                        None => return Err(malformed("a quoted string does not end")),
                    }
                }
                tokens.push(Token::Text(quoted));
            }
            ',' | '(' | ')' | '=' => tokens.push(Token::Sign(character)),
            _ => {
                let mut word = String::from(character);
                while let Some(next) =
                    characters.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | '.'))
                {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

fn is_keyword(token: Option<&Token>, keyword: &str) -> bool {
    matches!(token, Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
}

fn keyword(token: Option<&Token>, expected: &str) -> Result<(), CallError> {
    if is_keyword(token, expected) {
        Ok(())
    } else {
        Err(unexpected(token))
    }
}

fn word(token: Option<Token>) -> Result<String, CallError> {
    match token {
        Some(Token::Word(word)) => Ok(word),
        other => Err(unexpected(other.as_ref())),
    }
}

fn quoted(token: Option<Token>) -> Result<String, CallError> {
    match token {
        Some(Token::Text(text)) => Ok(text),
        other => Err(unexpected(other.as_ref())),
    }
}

fn sign(token: Option<&Token>, expected: char) -> Result<(), CallError> {
    if token == Some(&Token::Sign(expected)) {
        Ok(())
    } else {
        Err(unexpected(token))
    }
}

fn unexpected(token: Option<&Token>) -> CallError {
    match token {
        Some(Token::Word(text) | Token::Text(text)) => malformed(&format!("unexpected token: '{text}'")),
        Some(Token::Sign(sign)) => malformed(&format!("unexpected token: '{sign}'")),
        None => malformed("unexpected token: '<EOF>'"),
    }
}

fn malformed(problem: &str) -> CallError {
    CallError::bad_request("MALFORMED_QUERY", format!("{problem}; {GRAMMAR}"))
}

fn invalid_id(id: &str) -> CallError {
    CallError::bad_request("INVALID_QUERY_FILTER_OPERATOR", format!("invalid ID field: {id}"))
}

/// Source: salesforce-contract.md §3.2.
fn no_such_column(field: &str, object: &str) -> CallError {
    CallError::bad_request(
        "INVALID_FIELD",
        format!(
            "No such column '{field}' on entity '{object}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name."
        ),
    )
}

/// Source: salesforce-contract.md §3.2.
fn no_such_object(object: &str) -> CallError {
    CallError::bad_request(
        "INVALID_TYPE",
        format!(
            "sObject type '{object}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_supported_forms_are_read_in_any_case() {
        let query = Query::parse("select Id, Name from Contact where id in ('a','b') limit 2").unwrap();
        assert_eq!(
            query,
            Query {
                fields: vec!["Id".to_owned(), "Name".to_owned()],
                object: "Contact".to_owned(),
                ids: Some(vec!["a".to_owned(), "b".to_owned()]),
                limit: Some(2),
            }
        );
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "",
            "SELECT FROM Lead",
            "SELECT Id FROM Lead WHERE Name = 'x'",
            "SELECT Id FROM Lead ORDER",
        ] {
            assert_eq!(
                Query::parse(text).unwrap_err().error_code,
                "MALFORMED_QUERY",
                "{text}"
            );
        }
    }
}
