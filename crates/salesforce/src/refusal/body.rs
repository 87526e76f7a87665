//! The error part of any body that Salesforce or its edge sends (§3.1).

use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::lenient::{Code, Text, Texts};

/// What a body says: an array, a bare object, XML or HTML of the edge, or
/// nothing. What it does not say is empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorBody {
    pub code: String,
    pub message: String,
    pub fields: Vec<String>,
    /// Ids of the records that a duplicate rule found.
    pub duplicates: Vec<String>,
}

/// Says what is wrong with a login where the body is a page.
const OAUTH_ERROR: &str = "Sfdc-OAuth-Error";
const INVALID_TOKEN: &str = "LOGIN_OAUTH_INVALID_TOKEN";
/// The app's policy, in whatever form it is told (§3.2).
pub(super) const NO_AGENT: &str = "Connected app is not attached to Agent";

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "errorCode", alias = "exceptionCode", default)]
    code: Code,
    #[serde(default, alias = "exceptionMessage")]
    message: Text,
    #[serde(default)]
    fields: Texts,
    // Misspelt like this in live answers (§2.8).
    #[serde(rename = "duplicateResut", alias = "duplicateResult")]
    duplicates: Option<Value>,
}

impl ErrorBody {
    pub(super) fn parse(headers: &HeaderMap, body: &[u8]) -> Self {
        // The first error is the one that counts; the rest follow from it.
        let first = match serde_json::from_slice(body) {
            Ok(Value::Array(items)) => items.into_iter().next(),
            Ok(item) => Some(item),
            Err(_) => return Self::of_page(headers, body),
        };
        let item = first.and_then(|item| serde_json::from_value::<Item>(item).ok());
        item.map(Self::from).unwrap_or_default()
    }

    fn of_page(headers: &HeaderMap, body: &[u8]) -> Self {
        let says = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
        let header = headers.get(OAUTH_ERROR).and_then(|value| value.to_str().ok());
        let in_body = says(INVALID_TOKEN).then_some(INVALID_TOKEN);
        Self {
            code: Code::of(header.or(in_body).unwrap_or_default()).0,
            message: if says(NO_AGENT) {
                NO_AGENT.to_owned()
            } else {
                String::new()
            },
            ..Self::default()
        }
    }
}

impl From<Item> for ErrorBody {
    fn from(item: Item) -> Self {
        Self {
            code: item.code.0,
            message: item.message.0,
            fields: item.fields.0,
            duplicates: item.duplicates.as_ref().map(duplicate_ids).unwrap_or_default(),
        }
    }
}

fn duplicate_ids(details: &Value) -> Vec<String> {
    let list = |value: &Value, key: &str| {
        value
            .get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    list(details, "matchResults")
        .iter()
        .flat_map(|result| list(result, "matchRecords"))
        .filter_map(|found| {
            found
                .pointer("/record/Id")
                .and_then(Value::as_str)
                .map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> ErrorBody {
        ErrorBody::parse(&HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn arrays_and_bare_objects_say_the_same() {
        for body in [
            r#"[{"message": "m", "errorCode": "C", "fields": ["Id"]}, {"errorCode": "SECOND"}]"#,
            r#"{"fields": ["Id"], "errorCode": "C", "message": "m", "new": 1}"#,
        ] {
            let body = parse(body);
            assert_eq!((body.code.as_str(), body.message.as_str()), ("C", "m"));
            assert_eq!(body.fields, ["Id"]);
        }
    }

    #[test]
    fn one_odd_key_does_not_hide_the_rest() {
        let body = parse(r#"[{"errorCode": "C", "message": 3, "fields": "LastName"}]"#);
        assert_eq!((body.code.as_str(), body.message.as_str()), ("C", ""));
    }

    #[test]
    fn what_is_no_json_says_nothing_or_what_its_header_says() {
        for body in ["", "<html>down</html>", "[]", "{}", "[1]", "null", "\u{0}"] {
            assert_eq!(parse(body), ErrorBody::default(), "{body}");
        }
        assert_eq!(
            parse("<Errors><Error>LOGIN_OAUTH_INVALID_TOKEN</Error></Errors>").code,
            INVALID_TOKEN
        );
        let mut headers = HeaderMap::new();
        headers.insert(OAUTH_ERROR, "SOMETHING_ELSE".parse().unwrap());
        assert_eq!(ErrorBody::parse(&headers, b"<html>").code, "SOMETHING_ELSE");
    }

    #[test]
    fn both_spellings_of_the_duplicates_are_read() {
        for key in ["duplicateResut", "duplicateResult"] {
            let body = parse(&format!(
                r#"[{{"{key}": {{"matchResults": [{{"matchRecords": [{{"record": {{"Id": "00Q1"}}}}, {{}}]}}]}},
                    "errorCode": "DUPLICATES_DETECTED", "message": "Use one of these records?"}}]"#
            ));
            assert_eq!(body.duplicates, ["00Q1"], "{key}");
        }
    }
}
