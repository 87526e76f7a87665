//! The rows: number, rule, and for those without a test the reason.

use std::str::FromStr;

use anyhow::{Context, Error, Result, ensure};

/// First line of the file.
const HEADER: &str = "row\trule\twithout a test, because";

/// Every row, in order and without a gap: the row `n` is at `n - 1`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Register {
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) rule: String,
    /// Why no test proves it.
    pub(super) reason: Option<String>,
}

impl FromStr for Register {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        ensure!(
            lines.next() == Some(HEADER),
            "the first line must be {HEADER:?}, separated by tabs"
        );
        let rows = lines
            .enumerate()
            .map(|(index, line)| row(index + 1, line).with_context(|| format!("line {}", index + 2)))
            .collect::<Result<_>>()?;
        Ok(Self { rows })
    }
}

fn row(expected: usize, line: &str) -> Result<Row> {
    let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
    let (number, rule, reason) = match columns[..] {
        [number, rule] => (number, rule, None),
        [number, rule, reason] => (number, rule, Some(reason)),
        _ => anyhow::bail!("has {} columns instead of two or three", columns.len()),
    };
    ensure!(
        number == expected.to_string(),
        "is numbered {number:?} instead of {expected}"
    );
    ensure!(!rule.is_empty(), "has no rule");
    Ok(Row {
        number: expected,
        rule: rule.to_owned(),
        reason: reason.filter(|reason| !reason.is_empty()).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<Register> {
        format!("{HEADER}\n{lines}").parse()
    }

    #[test]
    fn a_row_has_a_number_a_rule_and_perhaps_a_reason() {
        let register = read("1\tOne kind\n2\tTwo kinds\tlater\n3\tThree\t\n").unwrap();
        let rows: Vec<_> = register
            .rows
            .iter()
            .map(|row| (row.number, row.rule.as_str(), row.reason.as_deref()))
            .collect();
        assert_eq!(
            rows,
            [
                (1, "One kind", None),
                (2, "Two kinds", Some("later")),
                (3, "Three", None)
            ]
        );
    }

    #[test]
    fn what_is_no_row_is_told_by_its_line() {
        for (lines, line) in [
            ("1\tOne\n3\tThree", "line 3"),
            ("1\tOne\n1\tOne", "line 3"),
            ("1", "line 2"),
            ("1\tOne\tlater\tmore", "line 2"),
            ("1\t ", "line 2"),
            ("1\tOne\n\n2\tTwo", "line 3"),
        ] {
            assert_eq!(read(lines).unwrap_err().to_string(), line, "{lines:?}");
        }
        assert!("1\tOne".parse::<Register>().is_err());
    }

    #[test]
    fn the_file_in_this_repository_can_be_read() {
        let file = crate::repository::root().join(super::super::REGISTER);
        let register: Register = std::fs::read_to_string(file).unwrap().parse().unwrap();
        assert_eq!(register.rows.len(), 244);
    }
}
