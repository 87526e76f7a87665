//! The field values of one record.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::value::Scalar;

/// Field values by API name, in an order that the names alone decide; a field that is null has no entry.
///
/// Records are many, so they are held as small as can be: names are shared by all records, texts by all copies.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Values(Vec<(&'static str, Scalar)>);

/// Every name that a field ever had.
static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);

impl Values {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Scalar> {
        let position = self.position(name).ok()?;
        Some(&self.0[position].1)
    }

    pub(crate) fn contains_key(&self, name: &str) -> bool {
        self.position(name).is_ok()
    }

    /// Sets the value of a field; null takes it away.
    pub(crate) fn insert(&mut self, name: &str, value: impl Into<Scalar>) {
        let value = value.into();
        match self.position(name) {
            Ok(position) if value.is_null() => drop(self.0.remove(position)),
            Ok(position) => self.0[position].1 = value,
            Err(_) if value.is_null() => {}
            Err(position) => {
                // Records grow by a field now and then; doubling would leave half of their room empty.
                self.0.reserve_exact(1);
                self.0.insert(position, (shared(name), value));
            }
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.insert(name, Scalar::Null);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Scalar)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        // By length first: most names are told apart without looking at their text.
        self.0.binary_search_by(|(other, _)| {
            other
                .len()
                .cmp(&name.len())
                .then_with(|| other.as_bytes().cmp(name.as_bytes()))
        })
    }
}

/// Returns the one copy of a name. It stays for good: only admins make names, and few.
fn shared(name: &str) -> &'static str {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let new: &'static str = name.to_owned().leak();
    names.insert(new);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_equal_whatever_the_order_in_which_they_were_set() {
        let mut one = Values::new();
        let mut other = Values::new();
        one.insert("A", "1");
        one.insert("B", true);
        other.insert("B", false);
        other.insert("C", "3");
        other.insert("A", "1");
        assert_ne!(one, other);
        other.insert("B", true);
        other.remove("C");
        assert_eq!(one, other);
        assert_eq!(other.get("C"), None);
        let names: Vec<&str> = other.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["A", "B"]);
    }

    #[test]
    fn null_is_no_value() {
        let mut values = Values::new();
        values.insert("A", Scalar::Null);
        assert!(!values.contains_key("A"));
    }

    #[test]
    fn an_entry_takes_forty_bytes() {
        assert_eq!(size_of::<(&'static str, Scalar)>(), 40);
    }
}
