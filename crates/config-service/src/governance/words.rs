//! The words of governance: labels on data, and marketing actions. Some are
//! known from the start, others are a workspace's own.

use std::{fmt, str::FromStr};

use activation::InvalidField;
use serde::{Deserialize, Serialize};

const MAX_WORD_LENGTH: usize = 63;

macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $example:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns what a word means that is known from the start.
            pub fn core_description(&self) -> Option<&'static str> {
                Self::CORE
                    .iter()
                    .find(|(word, _)| *word == self.0)
                    .map(|(_, description)| *description)
            }

            /// Returns the words that are known from the start, each with what
            /// it means.
            pub fn core() -> impl Iterator<Item = (Self, &'static str)> {
                Self::CORE
                    .iter()
                    .map(|(word, description)| (Self((*word).to_owned()), *description))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidField;

            fn from_str(text: &str) -> Result<Self, InvalidField> {
                if is_word(text) {
                    return Ok(Self(text.to_owned()));
                }
                Err(InvalidField::new(
                    "id",
                    format!(
                        concat!(
                            "must be upper-case letters, digits and underscores, a letter first, at most {} \
                             characters, for example ",
                            $example
                        ),
                        MAX_WORD_LENGTH
                    ),
                ))
            }
        }
    };
}

word!(
    /// A word for how data may be used: `C2`.
    Label,
    "C2"
);
word!(
    /// What a destination's data is used for: `EXPORT_TO_THIRD_PARTY`.
    MarketingAction,
    "EXPORT_TO_THIRD_PARTY"
);

impl Label {
    /// The label of what no destination may have, whatever it is used for.
    pub const NEVER_EXPORTED: &str = "C12";

    /// Source: requirements.md, rows 218 and 219.
    const CORE: &[(&str, &str)] = &[
        (
            "C1",
            "Contract: may leave only in aggregated form, without the ids of people or devices",
        ),
        ("C2", "Contract: may not be exported to a third party"),
        (
            "C3",
            "Contract: may not be combined with what identifies a person directly",
        ),
        (
            "C4",
            "Contract: may not be used to target advertisements or content, on own sites or others",
        ),
        (
            "C5",
            "Contract: may not be used to target content across sites by interest",
        ),
        (
            "C6",
            "Contract: may not be used to target advertisements on own sites",
        ),
        ("C7", "Contract: may not be used to target content on own sites"),
        ("C8", "Contract: may not be used to measure own sites and apps"),
        ("C9", "Contract: may not be used in data science"),
        (
            "C10",
            "Contract: may not be used to act on an identity that was stitched together",
        ),
        ("C11", "Contract: may not be used to match segments with partners"),
        ("C12", "Contract: may not be exported in any way"),
        ("I1", "Identity: identifies a person directly"),
        (
            "I2",
            "Identity: identifies a person in combination with other data",
        ),
        ("S1", "Sensitive: tells a precise place"),
        ("S2", "Sensitive: tells an area"),
        ("PSPD", "Sensitive: personal data that may be sensitive"),
        ("RHD", "Sensitive: health data under regulation"),
        ("THIRD_PARTY", "Partner: comes from a third party"),
    ];
}

impl MarketingAction {
    /// Source: requirements.md, row 220.
    const CORE: &[(&str, &str)] = &[
        (
            "ANALYTICS",
            "Measuring and reporting how people use own sites and apps",
        ),
        (
            "COMBINE_WITH_DIRECTLY_IDENTIFIABLE",
            "Combining with data that identifies a person directly",
        ),
        ("CROSS_SITE_TARGETING", "Targeting advertisements across sites"),
        ("DATA_SCIENCE", "Data science"),
        ("EMAIL_TARGETING", "Targeting in e-mail"),
        (
            "EXPORT_TO_THIRD_PARTY",
            "Exporting to somebody who has no direct relation to the person",
        ),
        ("ONSITE_ADVERTISING", "Advertising on own sites and apps"),
        (
            "ONSITE_PERSONALIZATION",
            "Personalising the content of own sites and apps",
        ),
        ("SEGMENT_MATCH", "Matching segments with partners"),
        (
            "SINGLE_IDENTITY_PERSONALIZATION",
            "Personalising by one identity, which must not be stitched with others",
        ),
    ];
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.len() <= MAX_WORD_LENGTH
        && text
            .chars()
            .all(|next| next.is_ascii_uppercase() || next.is_ascii_digit() || next == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_218_220_the_known_labels_and_actions_are_words_and_others_can_be_added() {
        let labels: Vec<String> = Label::core().map(|(label, _)| label.to_string()).collect();
        for label in (1..=12).map(|number| format!("C{number}")) {
            assert!(labels.contains(&label), "{label}");
        }
        for label in ["I1", "I2", "S1", "S2", "PSPD", "RHD", "THIRD_PARTY"] {
            assert!(labels.contains(&label.to_owned()), "{label}");
        }
        assert_eq!(MarketingAction::core().count(), 10);
        for (word, description) in Label::CORE.iter().chain(MarketingAction::CORE) {
            assert!(is_word(word) && !description.is_empty(), "{word}");
        }
        assert!("PARTNER_ACME_2".parse::<Label>().is_ok());
        for bad in ["", "c2", "2C", "_A", "A B", "A-B", "Ä", &"A".repeat(64)] {
            assert!(bad.parse::<Label>().is_err(), "{bad}");
        }
    }
}
