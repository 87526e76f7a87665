//! Lists in requests: everything that is wrong with any of their rows is told at
//! once, by the row's place in the request.

use activation::InvalidField;

/// What of a list could be read, and what is wrong with the rest.
pub(crate) struct Rows<T> {
    list: &'static str,
    readable: Vec<T>,
    /// Places of those in the request.
    places: Vec<usize>,
    wrong: Vec<InvalidField>,
}

impl<T> Rows<T> {
    pub(crate) fn read<M>(
        messages: &[M],
        list: &'static str,
        read: impl Fn(&M) -> Result<T, Vec<InvalidField>>,
    ) -> Self {
        let mut rows = Self {
            list,
            readable: Vec::with_capacity(messages.len()),
            places: Vec::new(),
            wrong: Vec::new(),
        };
        for (place, message) in messages.iter().enumerate() {
            match read(message) {
                Ok(row) => {
                    rows.readable.push(row);
                    rows.places.push(place);
                }
                Err(wrong) => rows.wrong.extend(
                    wrong
                        .into_iter()
                        .map(|invalid| invalid.below(&format!("{list}[{place}]"))),
                ),
            }
        }
        rows
    }

    /// Returns every row, when all could be read.
    pub(crate) fn all(self) -> Result<Vec<T>, Self> {
        if self.wrong.is_empty() {
            Ok(self.readable)
        } else {
            Err(self)
        }
    }

    pub(crate) fn take_readable(&mut self) -> Vec<T> {
        std::mem::take(&mut self.readable)
    }

    /// Returns everything that is wrong, in the order of the request: what could
    /// not be read, and what is wrong with the readable ones, whose places are
    /// counted without the others.
    pub(crate) fn every_problem(self, with_readable: Vec<InvalidField>) -> Vec<InvalidField> {
        let mut wrong = self.wrong;
        wrong.extend(with_readable.into_iter().map(|invalid| {
            InvalidField::new(
                renumbered(&invalid.field, self.list, &self.places),
                renumbered(&invalid.problem, self.list, &self.places),
            )
        }));
        // Problems of one row keep their order; those of no row come last.
        wrong.sort_by_key(|invalid| {
            place_in(&invalid.field, self.list).map_or(usize::MAX, |(place, _)| place)
        });
        wrong
    }
}

/// Reads `list[7]rest` as 7 and `rest`.
fn place_in<'a>(text: &'a str, list: &str) -> Option<(usize, &'a str)> {
    let (place, rest) = text.strip_prefix(list)?.strip_prefix('[')?.split_once(']')?;
    Some((place.parse().ok()?, rest))
}

/// Replaces each `list[i]` in a text by `list[places[i]]`.
fn renumbered(text: &str, list: &str, places: &[usize]) -> String {
    let Some(start) = text.find(&format!("{list}[")) else {
        return text.to_owned();
    };
    let (before, named) = text.split_at(start);
    match place_in(named, list).and_then(|(index, rest)| Some((places.get(index)?, rest))) {
        Some((place, rest)) => format!("{before}{list}[{place}]{}", renumbered(rest, list, places)),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_by_their_place_in_the_request_and_in_its_order() {
        let mut rows = Rows::read(&["a", "", "b", "", "c"], "rows", |text| {
            if text.is_empty() {
                Err(vec![InvalidField::new("text", "is empty")])
            } else {
                Ok(*text)
            }
        })
        .all()
        .unwrap_err();

        assert_eq!(rows.take_readable(), ["a", "b", "c"]);
        let problems = rows.every_problem(vec![
            InvalidField::new("destination", "is wrong"),
            InvalidField::new("rows[2].text", "is there already, by rows[1]"),
            InvalidField::new("rows[0]", "is wrong"),
            InvalidField::new("rows[9]", "is of nobody"),
        ]);

        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "rows[0]: is wrong",
                "rows[1].text: is empty",
                "rows[3].text: is empty",
                "rows[4].text: is there already, by rows[2]",
                "rows[9]: is of nobody",
                "destination: is wrong",
            ]
        );
    }
}
