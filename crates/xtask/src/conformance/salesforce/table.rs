//! The table at the end: a row for each case, a column for each client.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};

use super::{Report, cases::Case, outcome::Outcome};

pub(super) fn render(cases: &[Case], reports: &[Report]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Disabled);
    let names = reports.iter().map(|report| report.client.name.to_owned());
    table.set_header(std::iter::once("case".to_owned()).chain(names));
    for case in cases {
        let cells = reports.iter().map(|report| cell(report, case));
        table.add_row(std::iter::once(case.name.clone()).chain(cells));
    }
    let totals = reports.iter().map(|report| {
        let passed = report
            .lines
            .iter()
            .filter(|line| line.outcome == Outcome::Passed)
            .count();
        format!(
            "{passed} of {} in {:.1} s",
            cases.len(),
            report.took.as_secs_f64()
        )
    });
    table.add_row(std::iter::once("passed".to_owned()).chain(totals));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cell(report: &Report, case: &Case) -> String {
    match report.lines.iter().find(|line| line.case == case.name) {
        Some(line) => match line.outcome {
            Outcome::Passed => format!("passed {:>5} ms", line.milliseconds),
            Outcome::Failed => "FAILED".to_owned(),
            Outcome::NotOffered => "not offered".to_owned(),
        },
        None => "not told".to_owned(),
    }
}
