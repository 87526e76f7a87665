//! One thing that a check found, and how findings are ordered and told.

use activation::InvalidField;
use contracts::config::v1 as pb;
use serde::{Deserialize, Serialize};

/// How much a finding matters; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Activation refuses.
    Error,
    /// It works, and some of it will go wrong or surprise.
    Warning,
    /// It works, and something else would serve better.
    Advice,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    /// A stable word for machines.
    pub code: String,
    /// Path in the destination; empty for the org as a whole.
    pub field: String,
    /// The segment id; may be empty.
    pub segment: String,
    /// API name; may be empty.
    pub salesforce_field: String,
    /// The cause first, without a final stop.
    pub message: String,
    /// What to do, without a final stop; may be empty.
    pub fix: String,
}

impl Finding {
    pub fn new(
        severity: Severity,
        code: &str,
        field: impl Into<String>,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code: code.to_owned(),
            field: field.into(),
            segment: String::new(),
            salesforce_field: String::new(),
            message: message.into(),
            fix: fix.into(),
        }
    }

    #[must_use]
    pub fn about(mut self, salesforce_field: &str) -> Self {
        salesforce_field.clone_into(&mut self.salesforce_field);
        self
    }

    #[must_use]
    pub fn of_segment(mut self, segment: &str) -> Self {
        segment.clone_into(&mut self.segment);
        self
    }

    /// Takes what refuses an edit or an activation as an error.
    pub fn error_of(code: &str, invalid: InvalidField) -> Self {
        let (message, fix) = match invalid.problem.split_once("; ") {
            Some((message, fix)) => (message.to_owned(), fix.to_owned()),
            None => (invalid.problem, String::new()),
        };
        Self::new(Severity::Error, code, invalid.field, message, fix)
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Puts errors first and keeps the order within each severity.
pub fn in_order(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// Returns the errors as what a request is refused with.
pub fn refusals(findings: Vec<Finding>) -> Vec<InvalidField> {
    findings
        .into_iter()
        .filter(Finding::is_error)
        .map(|finding| {
            let problem = match finding.fix.chars().next() {
                None => finding.message,
                Some(first) if first.is_lowercase() => format!("{}; {}", finding.message, finding.fix),
                Some(_) => format!("{}. {}", finding.message, finding.fix),
            };
            InvalidField::new(finding.field, problem)
        })
        .collect()
}

/// Counts the findings of a severity.
pub fn count(findings: &[Finding], severity: Severity) -> i32 {
    let count = findings
        .iter()
        .filter(|finding| finding.severity == severity)
        .count();
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl From<Severity> for pb::Severity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Error,
            Severity::Warning => Self::Warning,
            Severity::Advice => Self::Advice,
        }
    }
}

impl From<&Finding> for pb::Finding {
    fn from(finding: &Finding) -> Self {
        Self {
            severity: pb::Severity::from(finding.severity).into(),
            code: finding.code.clone(),
            field: finding.field.clone(),
            segment: finding.segment.clone(),
            salesforce_field: finding.salesforce_field.clone(),
            message: finding.message.clone(),
            fix: finding.fix.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, code: &str) -> Finding {
        Finding::new(severity, code, "f", "it is so", "Do this")
    }

    #[test]
    fn errors_come_first_and_only_they_refuse() {
        let findings = in_order(vec![
            finding(Severity::Advice, "a"),
            finding(Severity::Error, "b"),
            finding(Severity::Warning, "c"),
            finding(Severity::Error, "d"),
        ]);
        let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, ["b", "d", "c", "a"]);
        assert_eq!(count(&findings, Severity::Error), 2);
        let refused = refusals(findings);
        assert_eq!(refused.len(), 2);
        assert_eq!(refused[0].to_string(), "f: it is so. Do this");
    }

    #[test]
    fn a_problem_is_split_into_its_cause_and_its_fix() {
        let problem = InvalidField::new("f", "it is so; do this");
        let finding = Finding::error_of("C", problem.clone());
        assert_eq!(
            (finding.message.as_str(), finding.fix.as_str()),
            ("it is so", "do this")
        );
        assert_eq!(refusals(vec![finding]), [problem]);
    }
}
