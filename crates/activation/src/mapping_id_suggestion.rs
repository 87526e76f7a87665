//! Mapping IDs made from segment names, so that nobody has to invent them.

use std::{fmt, str::FromStr};

use deunicode::deunicode;

use crate::{
    InvalidField,
    mapping_id::{MAX_LENGTH, MappingId},
    names::shown,
};

/// Longest prefix or suffix, so that enough of the name is left to be told.
pub const MAX_AFFIX_LENGTH: usize = 15;

/// What stands before or after every suggested Mapping ID of a destination;
/// may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affix(String);

/// The affixes of a destination, which leave room for a valid name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affixes {
    prefix: Affix,
    suffix: Affix,
}

impl Affix {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Affix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Affix {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        let well_formed = text.len() <= MAX_AFFIX_LENGTH
            && text
                .chars()
                .all(|next| next.is_ascii_alphanumeric() || next == '_')
            && !text.contains("__");
        if well_formed {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidField::new(
            "affix",
            format!(
                "'{}' cannot be part of a field name; use at most {MAX_AFFIX_LENGTH} letters A-Z, digits and \
                 single underscores, for example DEV_",
                shown(text)
            ),
        ))
    }
}

impl Affixes {
    /// Takes both, or lists what would make every suggestion an invalid name.
    pub fn new(prefix: Affix, suffix: Affix) -> Result<Self, Vec<InvalidField>> {
        let mut wrong = Vec::new();
        if prefix.0.starts_with(|first: char| !first.is_ascii_alphabetic()) {
            wrong.push(InvalidField::new(
                "mapping_id_prefix",
                "must start with a letter A-Z, as field names do",
            ));
        }
        if suffix.0.ends_with('_') {
            wrong.push(InvalidField::new(
                "mapping_id_suffix",
                "must not end with an underscore, as no field name does",
            ));
        }
        if wrong.is_empty() {
            Ok(Self { prefix, suffix })
        } else {
            Err(wrong)
        }
    }

    pub fn prefix(&self) -> &Affix {
        &self.prefix
    }

    pub fn suffix(&self) -> &Affix {
        &self.suffix
    }
}

/// Suggests a Mapping ID for a segment: from its name, or where nothing of that
/// can be written in A-Z, from its id. It is none that `is_taken` says is.
pub fn suggest(
    segment: &str,
    name: &str,
    affixes: &Affixes,
    is_taken: impl Fn(&MappingId) -> bool,
) -> MappingId {
    let base = [name, segment]
        .into_iter()
        .map(words)
        .find(|words| !words.is_empty())
        .unwrap_or_else(|| "segment".to_owned());
    let mut number = 1;
    loop {
        let candidate = candidate(&base, affixes, number);
        if !is_taken(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

/// Puts a name together; from the second on it is numbered.
fn candidate(base: &str, affixes: &Affixes, number: u32) -> MappingId {
    let suffix = affixes.suffix.as_str();
    let prefix = match affixes.prefix.as_str() {
        "" if !base.starts_with(|first: char| first.is_ascii_alphabetic()) => "seg_",
        prefix => prefix,
    };
    let number = match number {
        1 => String::new(),
        number => format!("_{number}"),
    };
    let room = MAX_LENGTH.saturating_sub(prefix.len() + suffix.len() + number.len());
    let base = base.get(..room).unwrap_or(base).trim_end_matches('_');
    format!("{prefix}{base}{number}{suffix}")
        .parse()
        .expect("a letter, then words, a number and a suffix, each with at most one underscore before it")
}

/// Returns what ASCII can hold of a text, words joined by single underscores.
fn words(text: &str) -> String {
    deunicode(text)
        .split(|sign: char| !sign.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn affixes(prefix: &str, suffix: &str) -> Affixes {
        Affixes::new(prefix.parse().unwrap(), suffix.parse().unwrap()).unwrap()
    }

    fn suggested(segment: &str, name: &str, affixes: &Affixes) -> String {
        suggest(segment, name, affixes, |_| false).to_string()
    }

    #[test]
    fn row_24_a_segments_name_becomes_a_field_name() {
        for (segment, name, expected) in [
            ("6b8e", "VIP customers", "VIP_customers"),
            ("6b8e", " CRM 2 — Käufer/innen! ", "CRM_2_Kaufer_innen"),
            ("6b8e", "Постоянные клиенты", "Postoiannye_klienty"),
            ("6b8e", "2024 buyers", "seg_2024_buyers"),
            ("crm-2", "", "crm_2"),
            ("crm-2", "¿…?", "crm_2"),
            ("—", "—", "segment"),
            (
                "6b8e",
                "A name that is a good deal longer than forty characters",
                "A_name_that_is_a_good_deal_longer_than_f",
            ),
        ] {
            assert_eq!(suggested(segment, name, &affixes("", "")), expected, "{name}");
        }
    }

    #[test]
    fn row_23_the_destinations_prefix_and_suffix_are_put_around_it() {
        let dev = affixes("DEV_", "_seg");
        assert_eq!(suggested("x", "test segment", &dev), "DEV_test_segment_seg");
        assert_eq!(suggested("x", "2024", &dev), "DEV_2024_seg");
        let longest = affixes("ABCDEFGHIJKLMN_", "_ABCDEFGHIJKLMN");
        assert_eq!(
            suggested("x", "a longer name", &longest),
            "ABCDEFGHIJKLMN_a_longer_n_ABCDEFGHIJKLMN"
        );
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let taken = ["vip", "vip_2"];
        let made = suggest("x", "vip", &affixes("", ""), |candidate| {
            taken.contains(&candidate.as_str())
        });
        assert_eq!(made.as_str(), "vip_3");
    }

    #[test]
    fn an_affix_that_no_field_name_can_have_is_refused() {
        for bad in ["a b", "ä", "a__b", "ABCDEFGHIJKLMNOP"] {
            assert!(bad.parse::<Affix>().is_err(), "{bad}");
        }
        let refused = |prefix: &str, suffix: &str| {
            let wrong = Affixes::new(prefix.parse().unwrap(), suffix.parse().unwrap()).unwrap_err();
            wrong.into_iter().map(|one| one.field).collect::<Vec<_>>()
        };
        assert_eq!(refused("_a", "b_"), ["mapping_id_prefix", "mapping_id_suffix"]);
        assert_eq!(refused("2", ""), ["mapping_id_prefix"]);
    }

    proptest! {
        #[test]
        fn whatever_a_segment_is_called_its_suggestions_are_valid_and_differ(
            segment in "\\PC{0,50}",
            name in "\\PC{0,50}",
            prefix in "([A-Z][a-z]{0,13}_?)?",
            suffix in "(_?[a-z]{1,13})?",
        ) {
            let affixes = affixes(&prefix, &suffix);
            let mut taken = HashSet::new();
            for _ in 0..12 {
                let made = suggest(&segment, &name, &affixes, |candidate| taken.contains(candidate));
                prop_assert!(made.as_str().starts_with(prefix.as_str()) && made.as_str().ends_with(suffix.as_str()));
                prop_assert!(taken.insert(made));
            }
        }
    }
}
