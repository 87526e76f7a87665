//! What people see: tables, lists of properties, times, names.

use activation::timestamp;
use chrono::{DateTime, Utc};
use comfy_table::{ContentArrangement, Table, presets::UTF8_BORDERS_ONLY};
use contracts::{
    config::v1::Warning,
    convert::time::{time_in, time_out},
};

/// Prints a table, or what to say when it is empty.
pub(super) fn print_table(headings: &[&str], rows: Vec<Vec<String>>, empty: &str) {
    if rows.is_empty() {
        println!("{empty}");
        return;
    }
    let mut table = Table::new();
    table
        .load_style(UTF8_BORDERS_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings);
    for row in rows {
        table.add_row(row);
    }
    println!("{table}");
}

/// Prints properties below each other; empty ones are left out.
pub(super) fn print_properties(properties: &[(&str, String)]) {
    let width = properties.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in properties.iter().filter(|(_, value)| !value.is_empty()) {
        println!("{name:width$}  {value}");
    }
}

/// Writes a time to the second, in UTC; nothing for an absent one.
pub(super) fn time(time: Option<prost_types::Timestamp>) -> String {
    match time_in(time, "time") {
        Ok(Some(time)) => time.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Ok(None) | Err(_) => String::new(),
    }
}

/// Reads a time that a person wrote.
pub(super) fn parse_time(text: &str) -> Result<DateTime<Utc>, String> {
    timestamp::parse(text).ok_or_else(|| "write it as 2026-01-02T03:04:05Z".to_owned())
}

pub(super) fn time_message(time: Option<DateTime<Utc>>) -> Option<prost_types::Timestamp> {
    time.map(time_out)
}

/// Cuts the prefix off an enum's name and lower-cases it:
/// `DESIRED_STATE_ENABLED` is `enabled`.
pub(super) fn enum_name(name: &str, prefix: &str) -> String {
    let name = name.strip_prefix(prefix).unwrap_or(name).to_lowercase();
    if name == "unspecified" {
        String::new()
    } else {
        name
    }
}

/// Returns the last part of a resource name.
pub(super) fn short(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}

/// Tells what is probably not meant, where it does not disturb a pipe.
#[expect(clippy::print_stderr, reason = "warnings are for people, not for pipes")]
pub(super) fn print_warnings(warnings: &[Warning]) {
    for warning in warnings {
        eprintln!(
            "warning: {}: {} ({})",
            warning.field, warning.message, warning.code
        );
    }
}

/// Writes a word so that a shell takes it as one.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "_-.:/=,%@+".contains(sign);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_take_it_apart() {
        for (word, written) in [
            ("a.b=C,date:%d.%m.%Y", "a.b=C,date:%d.%m.%Y"),
            ("", "''"),
            ("VIP customers", "'VIP customers'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(word), written);
        }
    }
}
