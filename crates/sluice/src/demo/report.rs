//! What came of the demo: counts that reconcile, and every field compared.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use contracts::delivery::v1 as pb;
use oracle::{Expected, Records, Update, differences, expect};
use serde_json::{Value, json};

use super::{profiles::Scenario, simulated_org::SimulatedOrg};

/// Differences that are shown; one is enough to fail.
const SHOWN_DIFFERENCES: usize = 10;

pub(super) struct Report {
    profiles_received: i64,
    by_reason: BTreeMap<(Kind, String), i64>,
    segments: Vec<SegmentRow>,
    calls: u64,
    records_written: u64,
    overlaps: u64,
    seconds: f64,
    problems: Vec<String>,
    shown_contact: Option<(String, BTreeMap<String, Value>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Delivered,
    Excluded,
    Failed,
}

struct SegmentRow {
    destination: usize,
    segment: String,
    delivered: i64,
    excluded: i64,
    failed: i64,
}

impl Report {
    /// Asks the oracle, the simulator and the runs, and compares.
    pub(super) async fn make(
        scenario: &Scenario,
        org: &SimulatedOrg,
        runs: &[Vec<pb::Run>; 2],
        started: DateTime<Utc>,
        seconds: f64,
    ) -> anyhow::Result<Self> {
        let accepted_at_micros = started.timestamp_micros();
        let updates: Vec<Update<'_>> = scenario
            .updates
            .iter()
            .map(|(destination, document)| Update {
                destination: *destination,
                document,
                accepted_at_micros,
            })
            .collect();
        let expected = expect(&scenario.destinations, &scenario.seeded, &updates);
        let found = org.records(scenario).await?;
        let counters = org.counters().await?;
        let counter = |name: &str| counters.get(name).and_then(Value::as_u64).unwrap_or(0);

        let mut report = Self {
            profiles_received: runs.iter().flatten().map(|run| run.profiles_received).sum(),
            by_reason: by_reason(runs),
            segments: segments(runs),
            calls: counter("write_calls"),
            records_written: counter("records_written"),
            overlaps: counter("same_record_overlaps"),
            seconds,
            problems: differences(&expected.records, &found, SHOWN_DIFFERENCES),
            shown_contact: shown_contact(&found),
        };
        report.compare_counts(&expected);
        Ok(report)
    }

    fn total(&self, kind: Kind) -> i64 {
        self.by_reason
            .iter()
            .filter(|((of, _), _)| *of == kind)
            .map(|(_, count)| count)
            .sum()
    }

    fn reasons(&self, kind: Kind) -> BTreeMap<&str, i64> {
        self.by_reason
            .iter()
            .filter(|((of, _), _)| *of == kind)
            .map(|((_, reason), count)| (reason.as_str(), *count))
            .collect()
    }

    fn identities(&self) -> i64 {
        self.by_reason.values().sum()
    }

    fn compare_counts(&mut self, expected: &Expected) {
        let mut problems = Vec::new();
        let mut same = |what: String, expected: u64, found: i64| {
            if i64::try_from(expected) != Ok(found) {
                problems.push(format!("{what}: expected {expected}, found {found}"));
            }
        };
        same("identities".to_owned(), expected.identities, self.identities());
        same(
            "identities delivered".to_owned(),
            expected.delivered,
            self.total(Kind::Delivered),
        );
        for (kind, expected, what) in [
            (Kind::Excluded, &expected.excluded, "excluded"),
            (Kind::Failed, &expected.failed, "failed"),
        ] {
            let found = self.reasons(kind);
            let names: std::collections::BTreeSet<&str> = expected
                .keys()
                .map(String::as_str)
                .chain(found.keys().copied())
                .collect();
            for reason in names {
                same(
                    format!("identities {what} for {reason}"),
                    expected.get(reason).copied().unwrap_or(0),
                    found.get(reason).copied().unwrap_or(0),
                );
            }
        }
        for row in &self.segments {
            let counts = expected.by_segment.get(&(row.destination, row.segment.clone()));
            let counts = counts.map_or((0, 0, 0), |counts| {
                (counts.delivered, counts.excluded, counts.failed)
            });
            for (what, expected, found) in [
                ("delivered", counts.0, row.delivered),
                ("excluded", counts.1, row.excluded),
                ("failed", counts.2, row.failed),
            ] {
                same(
                    format!("identities {what} of segment {}", row.segment),
                    expected,
                    found,
                );
            }
        }
        same(
            "requests that overlapped on a record".to_owned(),
            0,
            i64::try_from(self.overlaps).unwrap_or(i64::MAX),
        );
        self.problems.extend(problems);
    }

    pub(super) fn is_verified(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "profiles_received": self.profiles_received,
            "identities_resolved": self.identities(),
            "identities_delivered": self.total(Kind::Delivered),
            "identities_excluded": self.total(Kind::Excluded),
            "identities_failed": self.total(Kind::Failed),
            "delivered_by_reason": self.reasons(Kind::Delivered),
            "excluded_by_reason": self.reasons(Kind::Excluded),
            "failed_by_reason": self.reasons(Kind::Failed),
            "salesforce_write_calls": self.calls,
            "records_written": self.records_written,
            "seconds": (self.seconds * 1_000.0).round() / 1_000.0,
            "verified": self.is_verified(),
            "differences": self.problems,
        })
    }

    pub(super) fn print(&self, scenario: &Scenario) {
        println!();
        println!("{}", self.outcome_table());
        println!("{}", self.segment_table(scenario));
        let per_call = if self.calls == 0 {
            0.0
        } else {
            self.records_written as f64 / self.calls as f64
        };
        println!(
            "{} profiles in {:.1} s; {} Salesforce calls wrote {} records ({per_call:.0} a call)",
            self.profiles_received, self.seconds, self.calls, self.records_written
        );
        if let Some((id, fields)) = &self.shown_contact {
            println!("\nOne Contact, read back from Salesforce:\n  {:<18} {id}", "Id");
            for (field, value) in fields {
                println!(
                    "  {field:<18} {}",
                    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                );
            }
        }
        println!();
        if self.is_verified() {
            println!("Verified: every field of every record is what the independent oracle says.");
        } else {
            println!("NOT verified:");
            for problem in &self.problems {
                println!("  {problem}");
            }
        }
    }

    fn outcome_table(&self) -> Table {
        let mut table = table(&["identities", "", ""]);
        for (kind, name) in [
            (Kind::Delivered, "delivered"),
            (Kind::Excluded, "excluded"),
            (Kind::Failed, "failed"),
        ] {
            table.add_row([name.to_owned(), String::new(), self.total(kind).to_string()]);
            for (reason, count) in self.reasons(kind) {
                table.add_row([String::new(), reason.to_owned(), count.to_string()]);
            }
        }
        table.add_row([
            "sum".to_owned(),
            "delivered + excluded + failed".to_owned(),
            self.identities().to_string(),
        ]);
        align_right(&mut table, &[2]);
        table
    }

    fn segment_table(&self, scenario: &Scenario) -> Table {
        let mut table = table(&["segment", "Mapping ID", "of", "delivered", "excluded", "failed"]);
        for row in &self.segments {
            let known = Scenario::segments()
                .iter()
                .find(|(segment, _, _)| *segment == row.segment);
            let (mapping_id, name) = known.map_or(("", row.segment.as_str()), |(_, mapping_id, name)| {
                (mapping_id, name)
            });
            table.add_row([
                name.to_owned(),
                mapping_id.to_owned(),
                scenario.destinations[row.destination].name.clone(),
                row.delivered.to_string(),
                row.excluded.to_string(),
                row.failed.to_string(),
            ]);
        }
        align_right(&mut table, &[3, 4, 5]);
        table
    }
}

fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings);
    table
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for index in columns {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn by_reason(runs: &[Vec<pb::Run>; 2]) -> BTreeMap<(Kind, String), i64> {
    let mut counts = BTreeMap::new();
    for reason in runs.iter().flatten().flat_map(|run| &run.reasons) {
        let kind = match reason.outcome() {
            pb::Outcome::Delivered => Kind::Delivered,
            pb::Outcome::Excluded => Kind::Excluded,
            pb::Outcome::Failed | pb::Outcome::Unspecified => Kind::Failed,
        };
        *counts.entry((kind, reason.reason.clone())).or_default() += reason.identities;
    }
    counts
}

fn segments(runs: &[Vec<pb::Run>; 2]) -> Vec<SegmentRow> {
    let mut rows: BTreeMap<(usize, String), SegmentRow> = BTreeMap::new();
    for (destination, runs) in runs.iter().enumerate() {
        for counts in runs.iter().flat_map(|run| &run.segments) {
            let row = rows
                .entry((destination, counts.segment.clone()))
                .or_insert_with(|| SegmentRow {
                    destination,
                    segment: counts.segment.clone(),
                    delivered: 0,
                    excluded: 0,
                    failed: 0,
                });
            row.delivered += counts.identities_delivered;
            row.excluded += counts.identities_excluded;
            row.failed += counts.identities_failed;
        }
    }
    rows.into_values().collect()
}

/// Picks a Contact that is in all three segments, if there is one.
fn shown_contact(found: &BTreeMap<String, Records>) -> Option<(String, BTreeMap<String, Value>)> {
    let contacts = found.get("Contact")?;
    let is_full =
        |fields: &&BTreeMap<String, Value>| fields.keys().filter(|field| field.ends_with("__c")).count() == 3;
    contacts
        .iter()
        .find(|(_, fields)| is_full(fields) && fields.contains_key("Email"))
        .or_else(|| contacts.iter().next())
        .map(|(id, fields)| (id.clone(), fields.clone()))
}
