//! How tests ended, from what `cargo test` prints.

/// A test of ours. One that runs on both databases is two of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Test {
    /// With its modules, as printed.
    pub(super) name: String,
    pub(super) ended: Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ended {
    Passed,
    /// It was left out, so it proves nothing.
    Ignored,
    Failed,
}

impl Test {
    /// Returns the rows that its name says it proves.
    pub(super) fn rows(&self) -> Vec<usize> {
        let (_, sentence) = self.name.rsplit_once("::").unwrap_or(("", &self.name));
        let Some(rest) = sentence.strip_prefix("row_") else {
            return Vec::new();
        };
        rest.split('_').map_while(|word| word.parse().ok()).collect()
    }
}

/// Returns the tests that ended, in the order printed; other lines mean nothing here.
pub(super) fn read(output: &str) -> Vec<Test> {
    output.lines().filter_map(test).collect()
}

/// `test <name> ... ok`, perhaps with `ignored, <why>`, `- should panic` or the time that it took.
fn test(line: &str) -> Option<Test> {
    let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let ended = match result.split([' ', ',']).next()? {
        "ok" => Ended::Passed,
        "ignored" => Ended::Ignored,
        "FAILED" => Ended::Failed,
        _ => return None,
    };
    let name = name.strip_suffix(" - should panic").unwrap_or(name).to_owned();
    Some(Test { name, ended })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_between_everything_else_that_cargo_prints() {
        let output = "\
   Compiling activation v0.1.0 (/sluice/crates/activation)
     Running tests/conformance/main.rs (target/debug/deps/conformance-1)

running 4 tests
test plans::on_sqlite::row_113_a_watcher_gets_a_snapshot ... ok
test plans::on_postgres::row_113_a_watcher_gets_a_snapshot ... FAILED
test slow ... ignored, needs an hour
test it_stops - should panic ... ok
test still_going has been running for over 60 seconds
test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
";
        let tests: Vec<_> = read(output)
            .into_iter()
            .map(|test| (test.name, test.ended))
            .collect();
        assert_eq!(
            tests,
            [
                (
                    "plans::on_sqlite::row_113_a_watcher_gets_a_snapshot".to_owned(),
                    Ended::Passed
                ),
                (
                    "plans::on_postgres::row_113_a_watcher_gets_a_snapshot".to_owned(),
                    Ended::Failed
                ),
                ("slow".to_owned(), Ended::Ignored),
                ("it_stops".to_owned(), Ended::Passed),
            ]
        );
    }

    #[test]
    fn the_numbers_before_the_sentence_are_the_rows() {
        for (name, rows) in [
            (
                "segments::on_sqlite::row_25_26_131_the_26th_is_refused",
                &[25, 26, 131][..],
            ),
            ("row_7_it_streams", &[7]),
            ("row_77_the_51st_mapped_attribute_is_warned_of", &[77]),
            ("map::rows_are_pure", &[]),
            ("row_53::it_is_a_module", &[]),
            ("row_it_is_a_word", &[]),
        ] {
            let test = Test {
                name: name.to_owned(),
                ended: Ended::Passed,
            };
            assert_eq!(test.rows(), rows, "{name}");
        }
    }
}
