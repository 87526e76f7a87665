//! JSON that borrows its text from the body it was read from.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::value::{Given, Scalar};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'body> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'body, str>),
    Array(Vec<Json<'body>>),
    Object(Members<'body>),
}

/// The members of an object, in order; of two with the same name the later one's value counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Members<'body>(Vec<(Cow<'body, str>, Json<'body>)>);

/// Room for the members of a usual record from the start.
const USUAL_MEMBERS: usize = 8;

impl<'body> Json<'body> {
    /// Reads a whole body.
    pub(crate) fn read(body: &'body [u8]) -> serde_json::Result<Self> {
        match std::str::from_utf8(body) {
            // Checked at once, it need not be checked string by string.
            Ok(text) => serde_json::from_str(text),
            // Tells where it is not text.
            Err(_) => serde_json::from_slice(body),
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns it as one value; an array or object becomes its text.
    pub(crate) fn scalar(&self) -> Scalar {
        match self {
            Self::Null => Scalar::Null,
            Self::Bool(flag) => Scalar::Bool(*flag),
            Self::Number(number) => Scalar::Number(number.clone()),
            Self::Text(text) => Scalar::Text(text.as_ref().into()),
            Self::Array(_) | Self::Object(_) => Value::from(self).to_string().into(),
        }
    }
}

impl<'body> Members<'body> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Json<'body>> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value)
    }

    fn insert(&mut self, name: Cow<'body, str>, value: Json<'body>) {
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, held)) => *held = value,
            None => self.0.push((name, value)),
        }
    }
}

impl<'body> IntoIterator for Members<'body> {
    type Item = (Cow<'body, str>, Json<'body>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<&Json<'_>> for Value {
    fn from(json: &Json<'_>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => Self::Number(number.clone()),
            Json::Text(text) => Self::String(text.as_ref().to_owned()),
            Json::Array(elements) => elements.iter().map(Self::from).collect(),
            Json::Object(members) => members
                .0
                .iter()
                .map(|(name, value)| (name.as_ref().to_owned(), Self::from(value)))
                .collect(),
        }
    }
}

impl<'text> From<&'text Json<'_>> for Given<'text> {
    fn from(json: &'text Json<'_>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => Self::Number(number.clone()),
            Json::Text(text) => Self::Text(text),
            Json::Array(_) => Self::Array,
            Json::Object(_) => Self::Object,
        }
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json<'de>, E> {
        Ok(Number::from_f64(number).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json<'de>, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let mut members = Members(Vec::with_capacity(USUAL_MEMBERS));
        while let Some((Name(name), value)) = entries.next_entry()? {
            members.insert(name, value);
        }
        Ok(Json::Object(members))
    }
}

/// A name of a member, borrowed where it has no escapes.
struct Name<'body>(Cow<'body, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
        Ok(Name(Cow::Borrowed(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_serde_json_reads() {
        for text in [
            r#"{"a": [1, -2, 3.5, 1e300, 18446744073709551615], "b": {"c": null, "d": [true, false, {}]}, "e": ""}"#,
            r#""a \u00e9 \"quoted\" \ud83e\udd80 line\n""#,
            r#"{"a": 1, "b": 2, "a": {"x": 3}}"#,
            r#"{"\u0061": 1}"#,
            "[]",
            "  null  ",
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(
                Value::from(&Json::read(text.as_bytes()).unwrap()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn it_fails_where_serde_json_fails() {
        for text in [
            &b"{\"a\": 1"[..],
            b"{\"a\": 1}}",
            b"",
            b"{\"a\"\n: tru}",
            b"[\"\xFF\"]",
            b"[1,]",
            b"{\"a\": 1e999}",
        ] {
            let expected = serde_json::from_slice::<Value>(text).unwrap_err();
            let error = Json::read(text).unwrap_err();
            assert_eq!(error.to_string(), expected.to_string());
        }
    }
}
