//! Who makes a change, in the caller's own words. Callers are not
//! authenticated, so it is told to people and decides nothing.

use activation::InvalidField;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

/// The metadata key (and, for JSON, the header) that says who it is.
pub const ACTOR: &str = "sluice-actor";

const MAX_CHARACTERS: usize = 200;

/// Reads who makes the call; empty when it is not said.
///
/// # Errors
/// [`InvalidField`] when it cannot be shown to people: too long, not UTF-8, or
/// with control characters.
pub fn actor(metadata: &MetadataMap) -> Result<String, InvalidField> {
    // Text beyond ASCII arrives as it is in HTTP/2 and in HTTP headers; `to_str` would refuse it.
    let bytes = metadata
        .get(ACTOR)
        .map_or(&[][..], MetadataValue::as_encoded_bytes);
    let text = str::from_utf8(bytes)
        .map_err(|_| InvalidField::new(ACTOR, "is not UTF-8"))?
        .trim();
    if text.chars().count() > MAX_CHARACTERS {
        return Err(InvalidField::new(
            ACTOR,
            format!("is longer than {MAX_CHARACTERS} characters; give a name or an e-mail address"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidField::new(ACTOR, "has control characters"));
    }
    Ok(text.to_owned())
}

/// Makes the value that [`actor`] reads.
///
/// # Errors
/// As [`actor`].
pub fn actor_metadata(text: &str) -> Result<MetadataValue<Ascii>, InvalidField> {
    let value = MetadataValue::try_from(text.as_bytes())
        .map_err(|_| InvalidField::new(ACTOR, "has control characters"))?;
    let mut metadata = MetadataMap::new();
    metadata.insert(ACTOR, value.clone());
    actor(&metadata)?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<String, InvalidField> {
        let mut metadata = MetadataMap::new();
        metadata.insert(ACTOR, MetadataValue::try_from(bytes).unwrap());
        actor(&metadata)
    }

    #[test]
    fn who_it_is_is_free_text_that_may_be_left_out() {
        assert_eq!(actor(&MetadataMap::new()).unwrap(), "");
        assert_eq!(read(b" ann@acme.example ").unwrap(), "ann@acme.example");
        assert_eq!(read("Zoë Ångström".as_bytes()).unwrap(), "Zoë Ångström");
        assert_eq!(read("ë".repeat(200).as_bytes()).unwrap(), "ë".repeat(200));
    }

    #[test]
    fn what_cannot_be_shown_is_refused_with_the_key() {
        for (bytes, part) in [
            (&[0xff, 0xfe][..], "UTF-8"),
            (&[b'x'; 201][..], "200 characters"),
            (b"a\tb", "control"),
            ("a\u{85}b".as_bytes(), "control"),
        ] {
            let invalid = read(bytes).unwrap_err();
            assert_eq!(invalid.field, ACTOR);
            assert!(invalid.problem.contains(part), "{invalid}");
        }
        assert!(actor_metadata("a\nb").is_err());
        assert!(actor_metadata("ann").is_ok());
    }
}
