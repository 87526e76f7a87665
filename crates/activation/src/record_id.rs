//! Salesforce record ids.

use std::{fmt, str::FromStr};

use crate::InvalidField;

/// A Salesforce record id in its 18-character form, which is the canonical one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId([u8; 18]);

impl RecordId {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a record id is ASCII")
    }

    /// Returns the first three characters, which tell the kind of record.
    pub fn key_prefix(&self) -> &str {
        &self.as_str()[..3]
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for RecordId {
    type Err = InvalidField;

    /// Takes 15 or 18 characters. Of 18, the last three must be the right check
    /// characters, in any case.
    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let wrong = |problem: &str| Err(InvalidField::new("id", problem));
        let bytes = text.as_bytes();
        if !matches!(bytes.len(), 15 | 18) || !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return wrong("is not a Salesforce record id; it must be 15 or 18 letters and digits");
        }
        let mut id = [0; 18];
        id[..15].copy_from_slice(&bytes[..15]);
        let check = check_characters(&bytes[..15]);
        id[15..].copy_from_slice(&check);
        if bytes.len() == 18 && !bytes[15..].eq_ignore_ascii_case(&check) {
            return wrong("is not a Salesforce record id; its last three characters do not fit the others");
        }
        Ok(Self(id))
    }
}

/// Returns the three check characters of a 15-character id.
/// Source: salesforce-contract.md §5.5.
fn check_characters(fifteen: &[u8]) -> [u8; 3] {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let mut check = [0; 3];
    for (character, group) in check.iter_mut().zip(fifteen.chunks_exact(5)) {
        let capitals = group
            .iter()
            .enumerate()
            .filter(|(_, letter)| letter.is_ascii_uppercase())
            .fold(0_usize, |bits, (position, _)| bits | 1 << position);
        *character = ALPHABET[capitals];
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_ids_get_their_recorded_check_characters() {
        for (fifteen, check) in [
            ("0014S000007Nxml", "QAC"),
            ("0034S000005YJVl", "QAO"),
            ("00Q4S000002sSac", "UAE"),
            ("0035500001H9ka0", "AAB"),
        ] {
            let id: RecordId = fifteen.parse().unwrap();
            assert_eq!(id.as_str(), format!("{fifteen}{check}"));
            assert_eq!(format!("{fifteen}{check}").parse::<RecordId>().unwrap(), id);
        }
    }

    #[test]
    fn row_43_what_is_not_an_id_is_refused() {
        for text in [
            "",
            "0034S000005YJV",
            "0034S000005YJVlQAA",
            "0034S000005YJVlQA",
            "0034S-00005YJVl",
            "0034S000005YJVé",
        ] {
            assert!(text.parse::<RecordId>().is_err(), "{text}");
        }
    }
}
