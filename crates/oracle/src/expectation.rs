//! Applies updates one after another and counts how their identities end.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Destination, Expected, Records, Update,
    document::Document,
    intent::{Intent, intent},
    org::Org,
    record_id::{self, WrongId},
};

/// How one identity of one update ended.
enum Outcome {
    Delivered,
    Excluded(&'static str),
    Failed(&'static str),
}

/// Returns what Salesforce must hold, and how every identity must end, after `updates` in their order.
///
/// An update whose destination is not in the list is ignored: it has no identities.
pub fn expect(
    destinations: &[Destination],
    seeded: &BTreeMap<String, Records>,
    updates: &[Update],
) -> Expected {
    let mut org = Org::new(seeded);
    let mut expected = Expected {
        records: BTreeMap::new(),
        identities: 0,
        delivered: 0,
        excluded: BTreeMap::new(),
        failed: BTreeMap::new(),
        by_segment: BTreeMap::new(),
    };

    for (arrival, update) in updates.iter().enumerate() {
        let Some(destination) = destinations.get(update.destination) else {
            continue;
        };
        let document = Document(update.document);
        let intent = intent(destination, document, update.accepted_at_micros, arrival);
        let named = named_segments(destination, document);

        let ids = distinct_ids(destination, document);
        if ids.is_empty() {
            count(
                &mut expected,
                update.destination,
                &named,
                &Outcome::Excluded("NO_IDENTITY"),
            );
        }
        for id in ids {
            let outcome = settle(&mut org, &destination.object, &id, &intent);
            count(&mut expected, update.destination, &named, &outcome);
        }
    }

    expected.records = org.records;
    expected
}

/// Returns each id of the mapped namespace once. Both spellings of one record's id are the same id.
fn distinct_ids(destination: &Destination, document: Document<'_>) -> BTreeSet<String> {
    let ids = document.ids(&destination.identity_namespace).into_iter();
    ids.map(|id| record_id::eighteen_characters(id).unwrap_or_else(|| id.to_owned()))
        .collect()
}

/// Returns the destination's segments that the document names.
fn named_segments<'a>(destination: &'a Destination, document: Document<'_>) -> BTreeSet<&'a str> {
    let mapped = destination
        .segments
        .iter()
        .map(|(segment_id, _)| segment_id.as_str());
    mapped
        .filter(|segment_id| document.names_segment(segment_id))
        .collect()
}

fn settle<'a>(org: &mut Org<'a>, object: &str, id: &str, intent: &Intent<'a>) -> Outcome {
    let id = match record_id::canonical(id, object) {
        Ok(id) => id,
        Err(WrongId::Invalid) => return Outcome::Failed("INVALID_SALESFORCE_ID"),
        Err(WrongId::OtherKind) => return Outcome::Excluded("OTHER_RECORD_KIND"),
    };
    match intent {
        Intent::Deliver(writes) => match org.write(object, &id, writes) {
            Ok(()) => Outcome::Delivered,
            Err(code) => Outcome::Failed(code),
        },
        Intent::Exclude(reason, writes) => {
            // The outcome is the exclusion, whether or not Salesforce knows the record.
            let _ = org.write(object, &id, writes);
            Outcome::Excluded(reason)
        }
        Intent::Fail(code) => Outcome::Failed(code),
    }
}

fn count(expected: &mut Expected, destination: usize, named: &BTreeSet<&str>, outcome: &Outcome) {
    expected.identities += 1;
    match outcome {
        Outcome::Delivered => expected.delivered += 1,
        Outcome::Excluded(reason) => *expected.excluded.entry((*reason).to_owned()).or_default() += 1,
        Outcome::Failed(code) => *expected.failed.entry((*code).to_owned()).or_default() += 1,
    }
    for segment_id in named {
        let counts = expected
            .by_segment
            .entry((destination, (*segment_id).to_owned()))
            .or_default();
        match outcome {
            Outcome::Delivered => counts.delivered += 1,
            Outcome::Excluded(_) => counts.excluded += 1,
            Outcome::Failed(_) => counts.failed += 1,
        }
    }
}
