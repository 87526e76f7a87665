//! Salesforce record ids.

/// Why an id names no record of the wanted object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrongId {
    /// It is no id, or an id of something that is neither a Contact nor a Lead.
    Invalid,
    /// It is a Lead's where a Contact's is wanted, or the reverse.
    OtherKind,
}

/// Returns the 18-character form of an id of `object`.
pub(crate) fn canonical(id: &str, object: &str) -> Result<String, WrongId> {
    let canonical = eighteen_characters(id).ok_or(WrongId::Invalid)?;
    match (&canonical[..3], object) {
        ("003", "Contact") | ("00Q", "Lead") => Ok(canonical),
        ("003", "Lead") | ("00Q", "Contact") => Err(WrongId::OtherKind),
        _ => Err(WrongId::Invalid),
    }
}

/// Returns the 18-character form of an id of any object; `None` where the form or the check characters are wrong.
pub(crate) fn eighteen_characters(id: &str) -> Option<String> {
    let is_an_id = matches!(id.len(), 15 | 18) && id.chars().all(|c| c.is_ascii_alphanumeric());
    if !is_an_id {
        return None;
    }
    let (fifteen, given) = id.split_at(15);
    let check = check_characters(fifteen);
    (given.is_empty() || given == check).then(|| format!("{fifteen}{check}"))
}

/// Returns one check character for each five characters of an id's first fifteen.
/// Source: salesforce-contract.md, section 5.5.
fn check_characters(fifteen: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let mut check = String::new();
    for five in fifteen.as_bytes().chunks(5) {
        let mut index = 0;
        for (bit, character) in five.iter().enumerate() {
            if character.is_ascii_uppercase() {
                index += 1 << bit;
            }
        }
        check.push(char::from(ALPHABET[index]));
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_ids_have_these_check_characters() {
        let recorded = [
            ("0014S000007Nxml", "QAC"),
            ("0034S000005YJVl", "QAO"),
            ("00Q4S000002sSac", "UAE"),
            ("0035500001H9ka0", "AAB"),
        ];
        for (fifteen, check) in recorded {
            assert_eq!(check_characters(fifteen), check);
            assert_eq!(eighteen_characters(fifteen), Some(format!("{fifteen}{check}")));
            assert_eq!(
                eighteen_characters(&format!("{fifteen}{check}")),
                Some(format!("{fifteen}{check}"))
            );
        }
    }

    #[test]
    fn wrong_check_characters_make_an_id_invalid() {
        assert_eq!(canonical("0034S000005YJVlQAA", "Contact"), Err(WrongId::Invalid));
        // The case of the fifteen was lost.
        assert_eq!(canonical("0034s000005yjvlQAO", "Contact"), Err(WrongId::Invalid));
        assert_eq!(canonical("0034S000005YJVlqao", "Contact"), Err(WrongId::Invalid));
    }

    #[test]
    fn other_lengths_and_characters_make_an_id_invalid() {
        for id in [
            "",
            "003",
            "0034S000005YJV",
            "0034S000005YJVlQA",
            "0034S000005YJV-",
            "0034S000005YJé",
        ] {
            assert_eq!(canonical(id, "Contact"), Err(WrongId::Invalid), "{id}");
        }
    }

    #[test]
    fn the_prefix_tells_the_kind() {
        assert_eq!(
            canonical("0034S000005YJVl", "Contact"),
            Ok("0034S000005YJVlQAO".to_owned())
        );
        assert_eq!(canonical("0034S000005YJVl", "Lead"), Err(WrongId::OtherKind));
        assert_eq!(
            canonical("00Q4S000002sSac", "Lead"),
            Ok("00Q4S000002sSacUAE".to_owned())
        );
        assert_eq!(canonical("00Q4S000002sSac", "Contact"), Err(WrongId::OtherKind));
        assert_eq!(canonical("0014S000007NxmlQAC", "Contact"), Err(WrongId::Invalid));
    }
}
