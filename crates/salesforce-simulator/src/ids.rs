//! Salesforce record ids: 15 case-sensitive characters and 3 check characters.

use std::fmt;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECK_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// What every id made here has after its prefix: the instance that the record was created on.
const POD: &str = "5g";

/// Returns the valid 18-character id of the `number`th record with a three-character key prefix (`003`,
/// `00Q`).
///
/// The same arguments always give the same id; numbers up to 62¹⁰ give different ones.
/// Source: salesforce-contract.md §5.5.
pub fn record_id(prefix: &str, number: u64) -> String {
    let mut digits = [b'0'; 10];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[usize::try_from(rest % 62).unwrap_or(0)];
        rest /= 62;
    }
    let short: String = prefix
        .chars()
        .chain(POD.chars())
        .chain(digits.map(char::from))
        .collect();
    let check = check_characters(short.as_bytes());
    short.chars().chain(check.map(char::from)).collect()
}

/// A record id in the form in which ids are compared: its 15 case-sensitive characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RecordId([u8; 15]);

impl RecordId {
    /// Reads an id of 15 characters, or of 18 whose check characters are right (in any case).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if !bytes.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let short: [u8; 15] = bytes.get(..15)?.try_into().ok()?;
        let valid = match bytes.len() {
            15 => true,
            18 => check_characters(&short).eq_ignore_ascii_case(&bytes[15..]),
            _ => false,
        };
        valid.then_some(Self(short))
    }

    /// Reads an id of the object with this key prefix; an id of another object is none.
    pub(crate) fn parse_of(prefix: &str, text: &str) -> Option<Self> {
        Self::parse(text).filter(|id| id.short().starts_with(prefix))
    }

    /// Returns the 15-character form.
    pub(crate) fn short(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an id holds ASCII only, checked where it is made")
    }
}

impl fmt::Display for RecordId {
    /// Writes the 18-character form.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut long = [0; 18];
        long[..15].copy_from_slice(&self.0);
        long[15..].copy_from_slice(&check_characters(&self.0));
        formatter.write_str(std::str::from_utf8(&long).map_err(|_| fmt::Error)?)
    }
}

/// Returns the three check characters: one for each five characters, whose bits tell which are upper-case.
fn check_characters(short: &[u8]) -> [u8; 3] {
    let mut check = [CHECK_ALPHABET[0]; 3];
    for (character, group) in check.iter_mut().zip(short.chunks(5)) {
        let upper_case = group
            .iter()
            .enumerate()
            .filter(|(_, character)| character.is_ascii_uppercase())
            .fold(0, |bits, (position, _)| bits | 1 << position);
        *character = CHECK_ALPHABET[upper_case];
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_characters_match_the_recorded_ids() {
        for (short, check) in [
            ("0014S000007Nxml", "QAC"),
            ("0034S000005YJVl", "QAO"),
            ("00Q4S000002sSac", "UAE"),
            ("0035500001H9ka0", "AAB"),
        ] {
            assert_eq!(check_characters(short.as_bytes()), check.as_bytes());
            assert_eq!(
                RecordId::parse(short).unwrap().to_string(),
                format!("{short}{check}")
            );
        }
    }

    #[test]
    fn numbers_are_padded_to_fifteen_characters_in_base_62() {
        assert_eq!(&record_id("003", 0)[..15], "0035g0000000000");
        assert_eq!(&record_id("003", 61)[..15], "0035g000000000z");
        assert_eq!(&record_id("00Q", 62)[..15], "00Q5g0000000010");
        assert_eq!(record_id("003", 62).len(), 18);
        assert!(RecordId::parse(&record_id("003", u64::MAX)).is_some());
    }

    #[test]
    fn wrong_check_characters_lengths_and_prefixes_are_no_id() {
        assert_eq!(RecordId::parse("0034S000005YJVlQAA"), None);
        assert_eq!(RecordId::parse("0034S000005YJV"), None);
        assert_eq!(RecordId::parse("0034S000005YJV!"), None);
        assert_eq!(RecordId::parse_of("00Q", "0034S000005YJVl"), None);
    }
}
