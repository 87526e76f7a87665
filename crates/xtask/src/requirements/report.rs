//! Rows and tests held against each other.

use std::collections::BTreeMap;

use comfy_table::{ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};

use super::{
    ended::{Ended, Test},
    register::{Register, Row},
};

pub(super) struct Report<'a> {
    rows: Vec<Judged<'a>>,
    problems: Vec<String>,
}

struct Judged<'a> {
    row: &'a Row,
    /// By the sentence, without the modules that only say which database it was.
    proofs: BTreeMap<String, Vec<&'a Test>>,
}

impl<'a> Report<'a> {
    pub(super) fn of(register: &'a Register, tests: &'a [Test]) -> Self {
        let mut rows: Vec<Judged<'_>> = register
            .rows
            .iter()
            .map(|row| Judged {
                row,
                proofs: BTreeMap::new(),
            })
            .collect();
        let mut problems = Vec::new();
        for test in tests {
            for number in test.rows() {
                match number.checked_sub(1).and_then(|index| rows.get_mut(index)) {
                    Some(judged) => judged.proofs.entry(place(&test.name)).or_default().push(test),
                    None => problems.push(format!("row {number} does not exist: {}", test.name)),
                }
            }
        }
        problems.extend(rows.iter().filter_map(Judged::problem));
        Self { rows, problems }
    }

    /// Returns what is wrong, a line each.
    pub(super) fn problems(&self) -> &[String] {
        &self.problems
    }

    pub(super) fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(UTF8_BORDERS_ONLY)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(["row", "rule", "proof"]);
        for judged in &self.rows {
            table.add_row([
                judged.row.number.to_string(),
                judged.row.rule.clone(),
                judged.proof(),
            ]);
        }
        table
    }

    /// Returns the figures in one line.
    pub(super) fn sum(&self) -> String {
        let proven = self.rows.iter().filter(|judged| judged.is_proven()).count();
        let reasons = self
            .rows
            .iter()
            .filter(|judged| judged.row.reason.is_some())
            .count();
        format!(
            "{proven} of {} rows are proven by tests that passed, {reasons} have a reason instead, {} problems",
            self.rows.len(),
            self.problems.len()
        )
    }
}

impl Judged<'_> {
    fn tests(&self) -> impl Iterator<Item = &Test> {
        self.proofs.values().flatten().copied()
    }

    fn is_proven(&self) -> bool {
        // A test that was left out proves nothing.
        let mut ran = self
            .tests()
            .filter(|test| test.ended != Ended::Ignored)
            .peekable();
        ran.peek().is_some() && ran.all(|test| test.ended == Ended::Passed)
    }

    fn problem(&self) -> Option<String> {
        let number = self.row.number;
        if let Some(failed) = self.tests().find(|test| test.ended == Ended::Failed) {
            return Some(format!("row {number} failed: {}", failed.name));
        }
        match (self.is_proven(), &self.row.reason) {
            (true, None) | (false, Some(_)) => None,
            (true, Some(reason)) => Some(format!(
                "row {number} has a test and still the reason \"{reason}\": take the reason away"
            )),
            (false, None) => Some(format!(
                "row {number} has neither a test that ran nor a reason: {}",
                self.row.rule
            )),
        }
    }

    /// Returns a line for each test, or the reason.
    fn proof(&self) -> String {
        let mut lines: Vec<String> = self
            .proofs
            .iter()
            .map(|(place, tests)| {
                let ended = tests
                    .iter()
                    .map(|test| test.ended)
                    .max()
                    .unwrap_or(Ended::Ignored);
                let ended = match ended {
                    Ended::Passed => "ok",
                    Ended::Ignored => "ignored",
                    Ended::Failed => "FAILED",
                };
                let databases = if tests.len() > 1 { " on both databases" } else { "" };
                format!("{ended}  {place}{databases}")
            })
            .collect();
        lines.extend(self.row.reason.iter().map(|reason| format!("-   {reason}")));
        lines.join("\n")
    }
}

fn place(name: &str) -> String {
    name.replace("on_sqlite::", "").replace("on_postgres::", "")
}

#[cfg(test)]
mod tests {
    use super::{super::ended, *};

    fn problems(output: &str) -> Vec<String> {
        let register: Register = "row\trule\twithout a test, because\n1\tOne\n2\tTwo\tlater\n3\tThree\tlater"
            .parse()
            .unwrap();
        let tests = ended::read(output);
        Report::of(&register, &tests).problems().to_vec()
    }

    #[test]
    fn a_row_is_proven_or_has_a_reason() {
        let nothing: [&str; 0] = [];
        assert_eq!(problems("test a::row_1_one ... ok"), nothing);
        assert_eq!(
            problems(""),
            ["row 1 has neither a test that ran nor a reason: One"]
        );
        assert_eq!(
            problems("test a::row_1_one ... ignored"),
            ["row 1 has neither a test that ran nor a reason: One"]
        );
    }

    #[test]
    fn a_row_with_a_test_needs_no_reason_any_more() {
        assert_eq!(
            problems("test row_1_2_both ... ok"),
            ["row 2 has a test and still the reason \"later\": take the reason away"]
        );
    }

    #[test]
    fn one_failed_test_of_a_row_is_enough() {
        let output = "test on_sqlite::row_1_one ... ok\ntest on_postgres::row_1_one ... FAILED";
        assert_eq!(problems(output), ["row 1 failed: on_postgres::row_1_one"]);
    }

    #[test]
    fn a_number_that_is_no_row_is_told() {
        let output = "test row_1_4_one ... ok\ntest row_0_none ... ok";
        assert_eq!(
            problems(output),
            [
                "row 4 does not exist: row_1_4_one",
                "row 0 does not exist: row_0_none"
            ]
        );
    }
}
