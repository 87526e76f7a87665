//! The inside of a frame: protobuf, so that later versions can add to it.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

use super::Entry;

/// Version of the inside of a frame.
pub(super) const FORMAT: i64 = 1;

#[derive(Message)]
struct Body {
    /// Producers of this frame, named once.
    #[prost(string, repeated, tag = "1")]
    producers: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<EntryBody>,
}

#[derive(Message)]
struct EntryBody {
    /// Index into `producers`.
    #[prost(uint32, tag = "1")]
    producer: u32,
    #[prost(uint64, tag = "2")]
    sequence: u64,
    #[prost(bytes = "bytes", tag = "3")]
    update: Bytes,
}

pub(super) fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut producers: Vec<String> = Vec::new();
    let mut indexes: HashMap<&str, u32> = HashMap::new();
    let entries = entries
        .iter()
        .map(|entry| {
            let producer = *indexes.entry(&entry.producer).or_insert_with(|| {
                producers.push(entry.producer.clone());
                u32::try_from(producers.len() - 1).unwrap_or(u32::MAX)
            });
            EntryBody {
                producer,
                sequence: entry.sequence,
                update: entry.update.clone(),
            }
        })
        .collect();
    Body { producers, entries }.encode_to_vec()
}

/// Returns `None` for bytes that [`encode`] did not write.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<Entry>> {
    let body = Body::decode(Bytes::copy_from_slice(bytes)).ok()?;
    body.entries
        .into_iter()
        .map(|entry| {
            let producer = body.producers.get(usize::try_from(entry.producer).ok()?)?.clone();
            Some(Entry {
                producer,
                sequence: entry.sequence,
                update: entry.update,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn entries_survive_their_frame(
            entries in prop::collection::vec((0..3_u8, any::<u64>(), prop::collection::vec(any::<u8>(), 0..20)), 0..20)
        ) {
            let entries: Vec<Entry> = entries
                .into_iter()
                .map(|(producer, sequence, update)| Entry {
                    producer: format!("p{producer}"),
                    sequence,
                    update: update.into(),
                })
                .collect();
            prop_assert_eq!(decode(&encode(&entries)), Some(entries));
        }

        #[test]
        fn foreign_bytes_do_not_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = decode(&bytes);
        }
    }
}
