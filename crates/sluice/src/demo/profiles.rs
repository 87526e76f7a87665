//! Made-up people and their updates, the same for the same seed.

use std::collections::BTreeMap;

use oracle::{Destination, Records};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use salesforce_simulator::record_id;
use serde_json::{Map, Value, json};

/// Updates that go to one destination in one message.
pub(super) const UPDATES_PER_BLOCK: usize = 100;

/// Times of the updates begin here: 2026-01-05T00:00:00Z, in the past, so that
/// no clock has a say in the result.
const FIRST_EVENT_SECONDS: i64 = 1_767_571_200;
const SECONDS_BETWEEN_EVENTS: i64 = 7;

const SEGMENTS: [(&str, &str, &str); 3] = [
    ("6b8e1f4a-crm-2", "crm_2_seg", "CRM 2"),
    ("9d27c3e0-vip", "vip_customers", "VIP customers"),
    ("41aa90d7-news", "newsletter", "Newsletter readers"),
];
/// A segment that no destination maps.
const UNMAPPED_SEGMENT: &str = "f00dcafe-other";

const FIRST_NAMES: [&str; 24] = [
    "Ada",
    "Chidi",
    "Inês",
    "Søren",
    "Zoë",
    "Óscar",
    "Łucja",
    "Дмитрий",
    "Ольга",
    "Ελένη",
    "Νίκος",
    "محمد",
    "ליאור",
    "さくら",
    "健太",
    "小明",
    "美玲",
    "지우",
    "서연",
    "ปิยะ",
    "अनन्या",
    "Mary-Jane",
    "Nguyễn",
    "Ayşe",
];
const LAST_NAMES: [&str; 24] = [
    "Okafor",
    "Silva",
    "Åström",
    "O'Brien",
    "Müller",
    "García-López",
    "Wójcik",
    "Иванова",
    "Παπαδοπούλου",
    "الخطيب",
    "כהן",
    "山田",
    "佐藤",
    "王",
    "陳",
    "김",
    "박",
    "สุขใจ",
    "शर्मा",
    "Trần",
    "Yılmaz",
    "de la Cruz",
    "Nakamura",
    "D’Angelo",
];
const COMPANIES: [&str; 10] = [
    "Northwind Foods",
    "Blue Harbor Travel",
    "Kestrel Energy",
    "Alder & Finch",
    "東京電機",
    "Čapek s.r.o.",
    "Łódź Logistics",
    "شركة النور",
    "Quarry Robotics",
    "\"Quoted\", Inc.",
];

/// Kinds of update that must not be delivered as they are, in parts per thousand.
const SHARES: &[(Odd, u32)] = &[
    (Odd::NoCrmId, 10),
    (Odd::UnknownId, 10),
    (Odd::OtherKind, 8),
    (Odd::MalformedId, 4),
    (Odd::LongLastName, 8),
    (Odd::BadEmail, 8),
    (Odd::MissingLastName, 6),
    (Odd::ExitWithoutLastName, 6),
    (Odd::NothingMapped, 6),
    (Odd::ListInsteadOfName, 3),
    (Odd::Deleted, 4),
    (Odd::NoConsent, 6),
    (Odd::NoConsentOfUnknownId, 4),
    (Odd::TwoIds, 20),
    (Odd::OutOfOrder, 10),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Odd {
    NoCrmId,
    UnknownId,
    OtherKind,
    MalformedId,
    LongLastName,
    BadEmail,
    MissingLastName,
    ExitWithoutLastName,
    NothingMapped,
    ListInsteadOfName,
    Deleted,
    NoConsent,
    NoConsentOfUnknownId,
    TwoIds,
    OutOfOrder,
}

/// What the demo plays.
pub(super) struct Scenario {
    pub(super) destinations: [Destination; 2],
    /// Ids of the destinations, in the same order.
    pub(super) destination_ids: [&'static str; 2],
    /// Records that the org holds at the start.
    pub(super) seeded: BTreeMap<String, Records>,
    /// In the order of sending: destination and document.
    pub(super) updates: Vec<(usize, Value)>,
}

/// A person who has a record.
#[derive(Clone)]
struct Person {
    id: String,
    first_name: &'static str,
    last_name: &'static str,
    company: &'static str,
    email: String,
}

struct Generator {
    random: StdRng,
    seeded: BTreeMap<String, Records>,
    /// Persons whose updates come again, by destination.
    people: [Vec<Person>; 2],
    records: [u64; 2],
    updates: Vec<(usize, Value)>,
}

const OBJECTS: [&str; 2] = ["Contact", "Lead"];
const PREFIXES: [&str; 2] = ["003", "00Q"];

impl Scenario {
    pub(super) fn generate(updates: usize, seed: u64) -> Self {
        let mut generator = Generator {
            random: StdRng::seed_from_u64(seed),
            seeded: OBJECTS.map(|object| (object.to_owned(), Records::new())).into(),
            people: [Vec::new(), Vec::new()],
            records: [0, 0],
            updates: Vec::with_capacity(updates),
        };
        while generator.updates.len() < updates {
            let destination = usize::from(generator.random.random_ratio(4, 10));
            let left = (updates - generator.updates.len()).min(UPDATES_PER_BLOCK);
            generator.block(destination, left);
        }
        Self {
            destinations: [0, 1].map(destination),
            destination_ids: ["crm-contacts", "crm-leads"],
            seeded: generator.seeded,
            updates: generator.updates,
        }
    }

    pub(super) fn seeded_records(&self, object: &str) -> usize {
        self.seeded.get(object).map_or(0, BTreeMap::len)
    }

    /// Segment id, Mapping ID, name.
    pub(super) fn segments() -> &'static [(&'static str, &'static str, &'static str)] {
        &SEGMENTS
    }
}

fn destination(index: usize) -> Destination {
    let mut attributes = vec![
        ("person.name.lastName", "LastName"),
        ("person.name.firstName", "FirstName"),
        ("personalEmail.address", "Email"),
    ];
    if OBJECTS[index] == "Lead" {
        attributes.push(("b2b.companyName", "Company"));
    }
    Destination {
        name: format!("{}s", OBJECTS[index]),
        object: OBJECTS[index].to_owned(),
        identity_namespace: "crmID".to_owned(),
        attributes: attributes
            .into_iter()
            .map(|(source, target)| (source.to_owned(), target.to_owned()))
            .collect(),
        segments: SEGMENTS
            .iter()
            .map(|(segment, mapping_id, _)| ((*segment).to_owned(), format!("{mapping_id}__c")))
            .collect(),
    }
}

impl Generator {
    /// Makes the updates of one message, so that what is out of order in it
    /// waits together.
    fn block(&mut self, destination: usize, length: usize) {
        let end = self.updates.len() + length;
        while self.updates.len() < end {
            match self.odd() {
                Some(Odd::OutOfOrder) if end - self.updates.len() < 2 => {}
                Some(odd) => self.odd_update(destination, odd),
                None => {
                    let person = self.person(destination);
                    let document = self.document(destination, &person);
                    self.updates.push((destination, document));
                }
            }
        }
    }

    fn odd(&mut self) -> Option<Odd> {
        let mut chance = self.random.random_range(0..1_000);
        SHARES.iter().find_map(|(odd, share)| {
            if chance < *share {
                return Some(*odd);
            }
            chance -= share;
            None
        })
    }

    /// Returns somebody: often one who was there before.
    fn person(&mut self, destination: usize) -> Person {
        if self.random.random_ratio(35, 100)
            && let Some(person) = self.people[destination].choose(&mut self.random)
        {
            return person.clone();
        }
        let person = self.new_person(destination);
        self.people[destination].push(person.clone());
        person
    }

    /// Makes a person whose record the org holds already, a little out of date.
    fn new_person(&mut self, destination: usize) -> Person {
        self.records[destination] += 1;
        let number = self.records[destination];
        let person = Person {
            id: record_id(PREFIXES[destination], number),
            first_name: pick(&mut self.random, &FIRST_NAMES),
            last_name: pick(&mut self.random, &LAST_NAMES),
            company: pick(&mut self.random, &COMPANIES),
            email: format!("Person.{number}@Example.org"),
        };
        let mut record: BTreeMap<String, Value> = BTreeMap::from([
            ("LastName".to_owned(), json!("(from import)")),
            ("FirstName".to_owned(), json!("Old")),
            ("Title".to_owned(), json!("Not to be touched")),
        ]);
        if OBJECTS[destination] == "Lead" {
            record.insert("Company".to_owned(), json!("(unknown)"));
        }
        if let Some(records) = self.seeded.get_mut(OBJECTS[destination]) {
            records.insert(person.id.clone(), record);
        }
        person
    }

    fn event_time(&self) -> i64 {
        let number = i64::try_from(self.updates.len()).unwrap_or(0);
        FIRST_EVENT_SECONDS + number * SECONDS_BETWEEN_EVENTS
    }

    /// Makes an ordinary update: names, e-mail, one to three statuses.
    fn document(&mut self, destination: usize, person: &Person) -> Value {
        let time = self.event_time();
        let mut memberships = Map::new();
        let count = self.random.random_range(1..=SEGMENTS.len());
        for (segment, _, _) in SEGMENTS.choose_multiple_in_order(&mut self.random, count) {
            memberships.insert((*segment).to_owned(), self.membership(time));
        }
        if self.random.random_ratio(1, 5) {
            memberships.insert(UNMAPPED_SEGMENT.to_owned(), json!({"status": "realized"}));
        }
        let first_name = match self.random.random_range(0..20) {
            // Emptied on purpose: blanks the field.
            0 => Value::Null,
            _ => json!(person.first_name),
        };
        let mut document = json!({
            "identityMap": {
                "crmID": [{"id": self.id_form(&person.id), "primary": true, "authenticatedState": "authenticated"}],
                "Email": [{"id": person.email}],
            },
            "segmentMembership": {"ups": memberships},
            "person": {"name": {"lastName": person.last_name, "firstName": first_name}},
            "loyalty": {"points": self.random.random_range(0..10_000), "tags": ["a", "b"]},
            "_sluice": {"updateId": format!("u-{}", self.updates.len() + 1), "eventTime": self.time_form(time)},
        });
        // An absent e-mail leaves the one that is there.
        if self.random.random_ratio(4, 5) {
            document["personalEmail"] = json!({"address": person.email});
        }
        if OBJECTS[destination] == "Lead" {
            document["b2b"] = json!({"companyName": person.company});
        }
        document
    }

    fn membership(&mut self, time: i64) -> Value {
        let status = pick(
            &mut self.random,
            &["realized", "realized", "realized", "existing", "exited"],
        );
        let mut membership = json!({"status": status, "lastQualificationTime": self.time_form(time)});
        match self.random.random_range(0..30) {
            // Ran out long ago: an exit.
            0 => membership["validUntil"] = json!("2026-01-05T00:00:00Z"),
            1 => membership["validUntil"] = json!("2999-12-31T00:00:00Z"),
            _ => {}
        }
        membership
    }

    /// Both forms of an id name the same record.
    fn id_form(&mut self, id: &str) -> String {
        if self.random.random_ratio(1, 10) {
            id[..15].to_owned()
        } else {
            id.to_owned()
        }
    }

    /// The platform writes times in three forms.
    fn time_form(&mut self, seconds: i64) -> String {
        let time = chrono::DateTime::from_timestamp(seconds, 0)
            .unwrap_or_default()
            .format("%Y-%m-%dT%H:%M:%S");
        let end = pick(&mut self.random, &["Z", "+00:00", ".000+0000"]);
        format!("{time}{end}")
    }

    fn odd_update(&mut self, destination: usize, odd: Odd) {
        // Somebody of their own, so that one refusal is about one update.
        let person = self.new_person(destination);
        let mut document = self.document(destination, &person);
        let id = json!([{"id": person.id}]);
        match odd {
            Odd::NoCrmId => {
                document["identityMap"] = json!({"Email": [{"id": person.email}]});
            }
            Odd::UnknownId => document["identityMap"]["crmID"] = self.unknown_id(destination),
            Odd::OtherKind => {
                let number = self.records[1 - destination].max(1);
                document["identityMap"]["crmID"] =
                    json!([{"id": record_id(PREFIXES[1 - destination], number)}]);
            }
            Odd::MalformedId => {
                document["identityMap"]["crmID"] = json!([{"id": format!("crm-{}", self.updates.len())}]);
            }
            Odd::LongLastName => document["person"]["name"]["lastName"] = json!("長".repeat(81)),
            Odd::BadEmail => document["personalEmail"] = json!({"address": "not-an-email"}),
            Odd::MissingLastName => {
                document["person"] = json!({"name": {"firstName": person.first_name}});
                document["segmentMembership"] = json!({"ups": {SEGMENTS[0].0: {"status": "realized"}}});
            }
            Odd::ExitWithoutLastName => {
                document["person"] = json!({"name": {"firstName": person.first_name}});
                document["segmentMembership"] = json!({"ups": {
                    SEGMENTS[0].0: {"status": "exited"},
                    SEGMENTS[1].0: {"status": "realized"},
                }});
            }
            Odd::NothingMapped => {
                document = json!({
                    "identityMap": {"crmID": id},
                    "segmentMembership": {"ups": {UNMAPPED_SEGMENT: {"status": "realized"}}},
                    "loyalty": {"points": 7},
                });
            }
            Odd::ListInsteadOfName => document["person"]["name"]["lastName"] = json!(["Okafor", "Silva"]),
            Odd::Deleted => document["_sluice"]["deleted"] = json!(true),
            Odd::NoConsent => document["_sluice"]["consent"] = json!("withdrawn"),
            Odd::NoConsentOfUnknownId => {
                document["identityMap"]["crmID"] = self.unknown_id(destination);
                document["_sluice"]["consent"] = json!("withdrawn");
            }
            Odd::TwoIds => {
                let other = self.new_person(destination);
                document["identityMap"]["crmID"] =
                    json!([{"id": person.id, "primary": true}, {"id": other.id}]);
            }
            Odd::OutOfOrder => self.late_update(destination, &person, &mut document),
        }
        self.updates.push((destination, document));
    }

    /// Returns the identities of nobody who has a record.
    fn unknown_id(&self, destination: usize) -> Value {
        let number = 900_000_000 + self.updates.len() as u64;
        json!([{"id": record_id(PREFIXES[destination], number)}])
    }

    /// Sends the newer of two updates first. What the late one says is older,
    /// except the status of a segment that the first one does not name.
    fn late_update(&mut self, destination: usize, person: &Person, late: &mut Value) {
        let time = self.event_time();
        let newer = self.time_form(time);
        let older = self.time_form(time - 3_600);
        let mut first = self.document(destination, person);
        first["segmentMembership"] =
            json!({"ups": {SEGMENTS[0].0: {"status": "exited", "lastQualificationTime": newer}}});
        first["_sluice"]["eventTime"] = json!(newer);
        late["person"]["name"]["lastName"] = json!("(out of date)");
        late["segmentMembership"] = json!({"ups": {
            SEGMENTS[0].0: {"status": "realized", "lastQualificationTime": older},
            SEGMENTS[1].0: {"status": "realized", "lastQualificationTime": older},
        }});
        late["_sluice"]["eventTime"] = json!(older);
        self.updates.push((destination, first));
    }
}

fn pick<T: Copy>(random: &mut StdRng, choices: &[T]) -> T {
    choices[random.random_range(0..choices.len())]
}

/// Chooses some, and keeps their order.
trait ChooseInOrder<T> {
    fn choose_multiple_in_order(&self, random: &mut StdRng, count: usize) -> Vec<&T>;
}

impl<T> ChooseInOrder<T> for [T] {
    fn choose_multiple_in_order(&self, random: &mut StdRng, count: usize) -> Vec<&T> {
        let mut left = count;
        let mut chosen = Vec::with_capacity(count);
        for (index, item) in self.iter().enumerate() {
            if left > 0 && random.random_range(0..self.len() - index) < left {
                chosen.push(item);
                left -= 1;
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_updates_and_another_one_others() {
        let one = Scenario::generate(500, 7);
        assert_eq!(one.updates.len(), 500);
        assert_eq!(one.updates, Scenario::generate(500, 7).updates);
        assert_ne!(one.updates, Scenario::generate(500, 8).updates);
    }
}
