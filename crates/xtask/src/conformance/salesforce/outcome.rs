//! What a client says of each case, and what is wrong with it.

use std::fmt;

use serde::Deserialize;

use super::{cases::Case, clients::Client, program::Run};

/// One line that a client prints.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) case: String,
    pub(super) outcome: Outcome,
    /// Why it failed or is not offered; else what is worth knowing, often nothing.
    pub(super) detail: String,
    pub(super) milliseconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Passed,
    Failed,
    /// The library's own API has no way to do it.
    NotOffered,
}

/// Why a run does not count.
#[derive(Debug)]
pub(super) enum Fault {
    Ended(String),
    /// It printed something else.
    Unreadable(String),
    Unknown(String),
    Twice(String),
    Missing(Vec<String>),
    Failed(Line),
    /// It says that the library has no way to do it, and nobody agreed to that.
    NotOffered(Line),
    /// It passed, and is listed as something that the library has no way to do.
    Offered(String),
}

/// Reads what a client printed. Returns its lines and everything that is wrong with them.
pub(super) fn judge(client: &Client, cases: &[Case], run: &Run) -> (Vec<Line>, Vec<Fault>) {
    let mut lines: Vec<Line> = Vec::new();
    let mut faults: Vec<Fault> = run.failure.clone().map(Fault::Ended).into_iter().collect();
    for text in run.printed.lines().filter(|text| !text.trim().is_empty()) {
        let Ok(line) = serde_json::from_str::<Line>(text) else {
            faults.push(Fault::Unreadable(text.to_owned()));
            continue;
        };
        if !cases.iter().any(|case| case.name == line.case) {
            faults.push(Fault::Unknown(line.case));
            continue;
        }
        if lines.iter().any(|other| other.case == line.case) {
            faults.push(Fault::Twice(line.case));
            continue;
        }
        let may_be_missing = client.not_offered.contains(&line.case.as_str());
        match (line.outcome, may_be_missing) {
            (Outcome::Passed, false) | (Outcome::NotOffered, true) => {}
            (Outcome::Passed, true) => faults.push(Fault::Offered(line.case.clone())),
            (Outcome::NotOffered, false) => faults.push(Fault::NotOffered(line.clone())),
            (Outcome::Failed, _) => faults.push(Fault::Failed(line.clone())),
        }
        lines.push(line);
    }
    let missing: Vec<String> = cases
        .iter()
        .map(|case| case.name.clone())
        .filter(|name| !lines.iter().any(|line| line.case == *name))
        .collect();
    if !missing.is_empty() {
        faults.push(Fault::Missing(missing));
    }
    (lines, faults)
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(how) => write!(formatter, "it {how}"),
            Self::Unreadable(text) => write!(formatter, "it printed what is no line of a case: {text}"),
            Self::Unknown(case) => write!(formatter, "case {case} is not in cases.toml"),
            Self::Twice(case) => write!(formatter, "case {case} was told twice"),
            Self::Missing(cases) => write!(formatter, "it said nothing of {}", cases.join(", ")),
            Self::Failed(line) => write!(formatter, "case {} failed\n{}", line.case, line.detail),
            Self::NotOffered(line) => write!(
                formatter,
                "case {} is not offered, and clients.rs does not allow that: {}",
                line.case, line.detail
            ),
            Self::Offered(case) => write!(
                formatter,
                "case {case} passed; take it off the list in clients.rs"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::clients::Runtime, *};

    const CLIENT: Client = Client {
        name: "client",
        runtime: Runtime::Python,
        not_offered: &["b"],
    };

    fn cases(names: &[&str]) -> Vec<Case> {
        let case = |name: &&str| Case {
            name: (*name).to_owned(),
            what: "something".to_owned(),
        };
        names.iter().map(case).collect()
    }

    fn line(case: &str, outcome: &str) -> String {
        format!(r#"{{"case": "{case}", "outcome": "{outcome}", "detail": "why", "milliseconds": 7}}"#)
    }

    fn faults(printed: &[String], failure: Option<&str>) -> Vec<String> {
        let run = Run {
            printed: printed.join("\n"),
            failure: failure.map(str::to_owned),
        };
        let (_, faults) = judge(&CLIENT, &cases(&["a", "b"]), &run);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn passing_and_what_may_be_missing_is_no_fault() {
        assert_eq!(
            faults(&[line("a", "passed"), line("b", "not_offered")], None),
            Vec::<String>::new()
        );
    }

    #[test]
    fn everything_else_is_a_fault() {
        assert_eq!(
            faults(&[line("a", "failed"), line("b", "passed")], None),
            [
                "case a failed\nwhy",
                "case b passed; take it off the list in clients.rs"
            ]
        );
        assert_eq!(
            faults(
                &[line("a", "not_offered"), line("c", "passed")],
                Some("ended badly")
            ),
            [
                "it ended badly",
                "case a is not offered, and clients.rs does not allow that: why",
                "case c is not in cases.toml",
                "it said nothing of b"
            ]
        );
        assert_eq!(
            faults(
                &[
                    line("a", "passed"),
                    line("a", "passed"),
                    line("b", "not_offered"),
                    "hello".to_owned()
                ],
                None
            ),
            [
                "case a was told twice",
                "it printed what is no line of a case: hello"
            ]
        );
    }
}
