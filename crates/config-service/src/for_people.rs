//! Texts that are for people only: names and descriptions.

use activation::InvalidField;

/// Longest name for people, in characters.
pub(crate) const MAX_DISPLAY_NAME: usize = 200;
/// Longest description, in characters.
pub(crate) const MAX_DESCRIPTION: usize = 2_000;

/// Checks a name for people; returns it without the blanks around it. `field`
/// is its path in the request.
pub(crate) fn display_name(text: &str, field: &str) -> Result<String, InvalidField> {
    if text.trim().is_empty() {
        return Err(InvalidField::new(field, "is required: a name for people"));
    }
    no_longer_than(MAX_DISPLAY_NAME, text.trim(), field)
}

/// Checks a description, which may be empty. `field` is its path in the request.
pub(crate) fn description(text: &str, field: &str) -> Result<String, InvalidField> {
    no_longer_than(MAX_DESCRIPTION, text, field)
}

fn no_longer_than(most: usize, text: &str, field: &str) -> Result<String, InvalidField> {
    // Postgres stores none.
    if text.contains('\0') {
        return Err(InvalidField::new(field, "must not contain the character NUL"));
    }
    match text.chars().count() {
        length if length > most => Err(InvalidField::new(
            field,
            format!("has {length} characters; at most {most} are taken"),
        )),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: &str = "destination.display_name";

    fn problem(checked: Result<String, InvalidField>) -> (String, String) {
        let invalid = checked.unwrap_err();
        (invalid.field, invalid.problem)
    }

    #[test]
    fn a_name_for_people_is_trimmed_and_bounded_in_characters() {
        let longest = "ü".repeat(MAX_DISPLAY_NAME);
        assert_eq!(display_name(&format!(" {longest}\n"), FIELD), Ok(longest.clone()));
        assert_eq!(
            problem(display_name(&format!("{longest}x"), FIELD)),
            (
                FIELD.to_owned(),
                "has 201 characters; at most 200 are taken".to_owned()
            )
        );
        for blank in ["", " \t"] {
            assert_eq!(
                problem(display_name(blank, FIELD)),
                (FIELD.to_owned(), "is required: a name for people".to_owned())
            );
        }
    }

    #[test]
    fn a_description_is_kept_as_it_is_and_bounded_in_characters() {
        let longest = "ü".repeat(MAX_DESCRIPTION);
        for text in ["", " what it is for\n", &longest] {
            assert_eq!(description(text, "destination.description"), Ok(text.to_owned()));
        }
        let (field, problem) = problem(description(&format!("{longest}x"), "destination.description"));
        assert_eq!(field, "destination.description");
        assert!(problem.contains("2001 characters; at most 2000"), "{problem}");
    }
}
