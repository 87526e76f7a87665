//! The last requests of an org.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::clock::datetime_out;

/// Most calls that are remembered; the oldest goes first.
const MAX_CALLS: usize = 1_000;

/// One request, as `GET /simulator/orgs/{host}/calls` tells it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Call {
    /// Counts from 1, in the order in which calls ended.
    pub n: u64,
    /// When the request had been read.
    #[serde(serialize_with = "as_datetime_out")]
    pub time: DateTime<Utc>,
    pub method: String,
    /// Without the query string.
    pub path: String,
    /// None where the client got no answer.
    pub status: Option<u16>,
    /// Those of a write.
    pub records: usize,
    /// From when the request had been read until it was answered.
    pub duration_ms: u64,
    /// `client` of `Sforce-Call-Options` (salesforce-contract.md §2.7), else `User-Agent`.
    pub client: Option<String>,
    /// `kind` of the scripted fault that hit it.
    pub fault: Option<&'static str>,
}

/// The last calls of one org, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    ended: u64,
    last: VecDeque<Call>,
}

impl Calls {
    /// Adds a call, whose `n` is set here.
    pub(crate) fn add(&mut self, call: Call) {
        self.ended += 1;
        if self.last.len() == MAX_CALLS {
            self.last.pop_front();
        }
        self.last.push_back(Call {
            n: self.ended,
            ..call
        });
    }

    /// Returns up to `count` of the newest calls, oldest first.
    pub(crate) fn last(&self, count: usize) -> impl Iterator<Item = &Call> {
        self.last.iter().skip(self.last.len().saturating_sub(count))
    }
}

/// Returns the value of `client` in `Sforce-Call-Options: client=name/1.0, defaultNamespace=ns`.
pub(crate) fn client_of(call_options: &str) -> Option<&str> {
    call_options
        .split(',')
        .filter_map(|option| option.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("client"))
        .map(|(_, client)| client.trim())
        .filter(|client| !client.is_empty())
}

fn as_datetime_out<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&datetime_out(*time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_thousand_calls_are_kept() {
        let mut calls = Calls::default();
        for status in 0..=1_000 {
            calls.add(Call {
                n: 0,
                time: DateTime::UNIX_EPOCH,
                method: "GET".to_owned(),
                path: "/".to_owned(),
                status: Some(status),
                records: 0,
                duration_ms: 0,
                client: None,
                fault: None,
            });
        }
        let numbers = |count| calls.last(count).map(|call| call.n).collect::<Vec<_>>();
        assert_eq!(numbers(2), [1_000, 1_001]);
        assert_eq!(numbers(5_000).first(), Some(&2));
        assert_eq!(numbers(5_000).len(), 1_000);
    }

    #[test]
    fn the_client_is_found_among_the_call_options() {
        assert_eq!(
            client_of("defaultNamespace=ns, Client = sluice/1.0 "),
            Some("sluice/1.0")
        );
        assert_eq!(client_of("client="), None);
        assert_eq!(client_of("battle"), None);
    }
}
