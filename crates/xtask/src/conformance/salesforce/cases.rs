//! The list of cases, which every client goes through.

use std::{collections::HashSet, fs, path::Path};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// One thing that a client has to show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// For people.
    pub(super) what: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

/// Reads the cases in the order of the table.
pub(super) fn read(file: &Path) -> Result<Vec<Case>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    parse(&text).with_context(|| file.display().to_string())
}

fn parse(text: &str) -> Result<Vec<Case>> {
    let file: File = toml::from_str(text)?;
    let mut names = HashSet::new();
    for case in &file.case {
        if case.what.is_empty() {
            bail!("case {} does not say what it shows", case.name);
        }
        if !names.insert(&case.name) {
            bail!("case {} is listed twice", case.name);
        }
    }
    Ok(file.case)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_keep_their_order_and_have_names_of_their_own() {
        let cases =
            parse("[[case]]\nname = \"b\"\nwhat = \"x\"\n[[case]]\nname = \"a\"\nwhat = \"y\"").unwrap();
        let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);

        let twice = "[[case]]\nname = \"a\"\nwhat = \"x\"\n[[case]]\nname = \"a\"\nwhat = \"y\"";
        assert!(
            parse(twice)
                .unwrap_err()
                .to_string()
                .contains("case a is listed twice")
        );
    }
}
