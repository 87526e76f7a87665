//! Which policies a destination breaks. Pure.

use std::collections::{BTreeMap, BTreeSet};

use activation::{
    destination::{Activation, FieldSource},
    names::{DestinationName, PolicyName},
};

use super::{
    policies::{Policy, PolicyKind},
    words::{Label, MarketingAction},
};
use crate::segments::RegisteredSegment;

/// What identity namespaces are below, written as paths.
const IDENTITIES: &str = "identityMap";

/// Returns the path that labels know a source by; none for a constant, which is
/// nobody's data.
fn path_of(source: &FieldSource) -> Option<String> {
    match source {
        FieldSource::AttributePath(path) => Some(path.clone()),
        FieldSource::IdentityNamespace(namespace) => Some(format!("{IDENTITIES}.{namespace}")),
        FieldSource::Constant(_) => None,
    }
}

/// The labels of the fields that have any, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldLabels(BTreeMap<String, BTreeSet<Label>>);

impl FromIterator<(String, BTreeSet<Label>)> for FieldLabels {
    fn from_iter<I: IntoIterator<Item = (String, BTreeSet<Label>)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl FieldLabels {
    pub fn iter(&self) -> impl Iterator<Item = (&String, &BTreeSet<Label>)> {
        self.0.iter()
    }

    /// Returns what counts for a field: its own labels and those of everything
    /// above it, and, as who uses an object uses all of it, those of everything
    /// below it.
    fn of(&self, path: &str) -> Vec<(&str, &BTreeSet<Label>)> {
        let above = path.match_indices('.').map(|(end, _)| &path[..end]);
        let below = format!("{path}.");
        let from_below = self
            .0
            .range(below.clone()..)
            .take_while(|(labelled, _)| labelled.starts_with(&below));
        above
            .chain([path])
            .filter_map(|labelled| self.0.get_key_value(labelled))
            .chain(from_below)
            .map(|(labelled, labels)| (labelled.as_str(), labels))
            .collect()
    }
}

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub destination: &'a DestinationName,
    pub activation: &'a Activation,
    pub marketing_actions: &'a [MarketingAction],
    /// The registered ones of its segments, by id.
    pub segments: &'a BTreeMap<String, RegisteredSegment>,
}

/// One way in which a destination breaks one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub destination: DestinationName,
    pub policy: PolicyName,
    pub policy_display_name: String,
    pub policy_kind: PolicyKind,
    /// `None`: whatever the data is used for.
    pub marketing_action: Option<MarketingAction>,
    /// All of the policy's.
    pub labels: BTreeSet<Label>,
    pub place: Place,
    /// By path; never empty.
    pub fields: Vec<UsedField>,
}

/// Where fields come together in a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Its field mappings.
    Mappings,
    /// The rule of one of its segments.
    Segment {
        /// Place in the activation.
        index: usize,
        segment: String,
        display_name: String,
    },
}

/// A field that brings labels of a broken policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedField {
    pub path: String,
    /// The first mapping of it; `None` in a segment.
    pub mapping: Option<usize>,
    /// Those of the policy's labels that it brings.
    pub labels: BTreeSet<Label>,
    /// The labelled paths that they come from.
    pub labelled: BTreeSet<String>,
}

/// What tells violations apart: a violation of the same policy at the same
/// place that another field joins is a new one.
pub type Part<'a> = (&'a PolicyName, Option<&'a str>, &'a str, &'a Label);

impl Violation {
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let segment = match &self.place {
            Place::Mappings => None,
            Place::Segment { segment, .. } => Some(segment.as_str()),
        };
        self.fields.iter().flat_map(move |field| {
            field
                .labels
                .iter()
                .map(move |label| (&self.policy, segment, field.path.as_str(), label))
        })
    }
}

/// Lists the violations that have a part which none of `before` has.
pub fn brought(before: &[Violation], after: Vec<Violation>) -> Vec<Violation> {
    let known: BTreeSet<Part<'_>> = before.iter().flat_map(Violation::parts).collect();
    after
        .into_iter()
        .filter(|violation| violation.parts().any(|part| !known.contains(&part)))
        .collect()
}

/// Lists the ways in which a destination breaks policies that are switched on,
/// by policy.
///
/// Fields come together in *places*: the mapped sources are one place, and the
/// fields of each segment's rule are one place of their own. A policy is broken
/// at a place when
///
/// - its marketing action is one of the destination's, or it has none, and
/// - **all** its labels are brought by fields of that one place: labels of two
///   segments, or of a segment and the mappings, are never added up
///   (requirements.md, row 223).
///
/// A labelled field that is neither mapped nor used by a segment of the
/// destination counts for nothing (row 222), nor does a segment that is not
/// registered, whose fields nobody knows.
pub fn evaluate(policies: &[Policy], labels: &FieldLabels, subject: &Subject<'_>) -> Vec<Violation> {
    let places = places(labels, subject);
    let mut found = Vec::new();
    for policy in policies.iter().filter(|policy| applies(policy, subject)) {
        for (place, fields) in &places {
            if let Some(fields) = breaking(policy, fields) {
                found.push(Violation {
                    destination: subject.destination.clone(),
                    policy: policy.name.clone(),
                    policy_display_name: policy.display_name.clone(),
                    policy_kind: policy.kind,
                    marketing_action: policy.marketing_action.clone(),
                    labels: policy.labels.clone(),
                    place: place.clone(),
                    fields,
                });
            }
        }
    }
    found.sort_by(|one, other| one.policy.cmp(&other.policy));
    found
}

fn applies(policy: &Policy, subject: &Subject<'_>) -> bool {
    policy.enabled
        && policy
            .marketing_action
            .as_ref()
            .is_none_or(|action| subject.marketing_actions.contains(action))
}

/// A field of a place, with every label that counts for it and where each is.
struct PlacedField<'a> {
    path: String,
    mapping: Option<usize>,
    labels: Vec<(&'a Label, &'a str)>,
}

fn places<'a>(labels: &'a FieldLabels, subject: &Subject<'_>) -> Vec<(Place, Vec<PlacedField<'a>>)> {
    let mut mapped: BTreeMap<String, usize> = BTreeMap::new();
    for (index, mapping) in subject.activation.field_mappings.iter().enumerate() {
        if let Some(path) = path_of(&mapping.source) {
            mapped.entry(path).or_insert(index);
        }
    }
    let mapped = mapped
        .into_iter()
        .map(|(path, index)| placed(labels, path, Some(index)))
        .collect();
    let mut places = vec![(Place::Mappings, mapped)];
    for (index, activated) in subject.activation.segments.iter().enumerate() {
        let Some(registered) = subject.segments.get(&activated.segment) else {
            continue;
        };
        let paths: BTreeSet<&String> = registered.fields.iter().collect();
        let place = Place::Segment {
            index,
            segment: activated.segment.clone(),
            display_name: registered.shown_name(activated).to_owned(),
        };
        let fields = paths
            .into_iter()
            .map(|path| placed(labels, path.clone(), None))
            .collect();
        places.push((place, fields));
    }
    places
}

fn placed(labels: &FieldLabels, path: String, mapping: Option<usize>) -> PlacedField<'_> {
    let labels = labels
        .of(&path)
        .into_iter()
        .flat_map(|(labelled, labels)| labels.iter().map(move |label| (label, labelled)))
        .collect();
    PlacedField {
        path,
        mapping,
        labels,
    }
}

/// Returns the fields that bring the policy's labels, if together they bring
/// all of them.
fn breaking(policy: &Policy, fields: &[PlacedField<'_>]) -> Option<Vec<UsedField>> {
    let mut there = BTreeSet::new();
    let mut used = Vec::new();
    for field in fields {
        let mut labels = BTreeSet::new();
        let mut labelled = BTreeSet::new();
        for (label, path) in field
            .labels
            .iter()
            .filter(|(label, _)| policy.labels.contains(*label))
        {
            labels.insert((*label).clone());
            labelled.insert((*path).to_owned());
        }
        if !labels.is_empty() {
            there.extend(labels.iter().cloned());
            used.push(UsedField {
                path: field.path.clone(),
                mapping: field.mapping,
                labels,
                labelled,
            });
        }
    }
    (there == policy.labels).then_some(used)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use activation::destination::{
        DeletedProfilePolicy, FieldMapping, FieldTarget, RecordType, SegmentActivation, WriteMode,
    };
    use proptest::prelude::*;

    use super::*;

    fn label(text: &str) -> Label {
        text.parse().unwrap()
    }

    fn labels(fields: &[(&str, &[&str])]) -> FieldLabels {
        fields
            .iter()
            .map(|(path, labels)| {
                (
                    (*path).to_owned(),
                    labels.iter().map(|text| label(text)).collect(),
                )
            })
            .collect()
    }

    fn policy(labels: &[&str], action: Option<&str>) -> Policy {
        Policy {
            name: "workspaces/acme/policies/theirs".parse().unwrap(),
            display_name: "Theirs".to_owned(),
            description: String::new(),
            marketing_action: action.map(|action| action.parse().unwrap()),
            labels: labels.iter().map(|text| label(text)).collect(),
            enabled: true,
            kind: PolicyKind::Custom,
            version: 1,
            update_time: None,
        }
    }

    /// A destination that maps these paths and has these segments, each with
    /// the fields of its rule.
    struct Example {
        name: DestinationName,
        activation: Activation,
        actions: Vec<MarketingAction>,
        segments: BTreeMap<String, RegisteredSegment>,
    }

    impl Example {
        fn new(mapped: &[&str], segments: &[(&str, &[&str])]) -> Self {
            let mapping = |(index, path): (usize, &&str)| FieldMapping {
                source: FieldSource::AttributePath((**path).to_owned()),
                target: FieldTarget::Field(format!("Field{index}__c").parse().unwrap()),
                options: Default::default(),
            };
            let activated = |(segment, _): &(&str, &[&str])| SegmentActivation {
                segment: (*segment).to_owned(),
                display_name: String::new(),
                mapping_id: segment.parse().unwrap(),
                start_time: None,
                end_time: None,
            };
            let registered = |(segment, fields): &(&str, &[&str])| {
                let fields = fields.iter().map(|field| (*field).to_owned()).collect();
                ((*segment).to_owned(), RegisteredSegment::example(segment, fields))
            };
            Self {
                name: "workspaces/acme/destinations/contacts".parse().unwrap(),
                activation: Activation {
                    record_type: RecordType::Contact,
                    write_mode: WriteMode::UpdateById,
                    field_mappings: mapped.iter().enumerate().map(mapping).collect(),
                    segments: segments.iter().map(activated).collect(),
                    deleted_profile_policy: DeletedProfilePolicy::Leave,
                    status_values: Default::default(),
                    max_delay: Duration::ZERO,
                    creation_rules: Default::default(),
                    duplicate_rule: Default::default(),
                },
                actions: vec!["ANALYTICS".parse().unwrap()],
                segments: segments.iter().map(registered).collect(),
            }
        }

        fn judge(&self, policy: &Policy, labels: &FieldLabels) -> Vec<Violation> {
            let subject = Subject {
                destination: &self.name,
                activation: &self.activation,
                marketing_actions: &self.actions,
                segments: &self.segments,
            };
            evaluate(std::slice::from_ref(policy), labels, &subject)
        }
    }

    #[test]
    fn a_label_counts_for_what_is_below_it_and_for_what_it_is_part_of() {
        let rule = policy(&["C2"], Some("ANALYTICS"));
        let example = Example::new(&["person.name.lastName"], &[]);
        for (labelled, counts) in [
            ("person", true),
            ("person.name", true),
            ("person.name.lastName", true),
            ("person.name.lastName.latin", true),
            ("person.name.last", false),
            ("person.name.lastNames", false),
            ("personal", false),
            ("name.lastName", false),
        ] {
            let found = example.judge(&rule, &labels(&[(labelled, &["C2"])]));
            assert_eq!(found.len(), usize::from(counts), "{labelled}");
            if let Some(violation) = found.first() {
                assert_eq!(violation.fields[0].path, "person.name.lastName");
                assert_eq!(
                    violation.fields[0].labelled,
                    BTreeSet::from([labelled.to_owned()])
                );
            }
        }
    }

    #[test]
    fn an_identity_namespace_is_a_field_like_others() {
        let rule = policy(&["I1"], None);
        let mut example = Example::new(&["x"], &[]);
        example.activation.field_mappings[0].source = FieldSource::IdentityNamespace("crmID".to_owned());

        let found = example.judge(&rule, &labels(&[("identityMap.crmID", &["I1"])]));

        assert_eq!(found[0].fields[0].path, "identityMap.crmID");
        assert!(example.judge(&rule, &labels(&[("crmID", &["I1"])])).is_empty());
    }

    #[test]
    fn row_223_labels_add_up_within_one_place_only() {
        let rule = policy(&["C1", "C2"], Some("ANALYTICS"));
        let labels = labels(&[("a", &["C1"]), ("b", &["C2"]), ("both", &["C1", "C2"])]);
        let count = |mapped: &[&str], segments: &[(&str, &[&str])]| {
            Example::new(mapped, segments).judge(&rule, &labels).len()
        };

        assert_eq!(count(&[], &[("s1", &["a"]), ("s2", &["b"])]), 0);
        assert_eq!(count(&["a"], &[("s1", &["b"])]), 0);
        assert_eq!(count(&[], &[("s1", &["a", "b"]), ("s2", &["b"])]), 1);
        assert_eq!(count(&["a", "b"], &[]), 1);
        assert_eq!(count(&["both"], &[("s1", &["both"])]), 2);
    }

    #[test]
    fn row_222_a_label_counts_only_on_a_field_that_is_used() {
        let rule = policy(&["C2"], Some("ANALYTICS"));
        let labels = labels(&[("used", &["C2"])]);
        let mut example = Example::new(&["other"], &[("s1", &["another"])]);
        assert!(example.judge(&rule, &labels).is_empty());
        let mut rule_uses_it = Example::new(&["other"], &[("s1", &["used"])]);
        assert_eq!(rule_uses_it.judge(&rule, &labels).len(), 1);

        // Not registered: nobody knows its fields.
        rule_uses_it.segments.clear();
        assert!(rule_uses_it.judge(&rule, &labels).is_empty());
        example.activation.segments.clear();
        assert!(example.judge(&rule, &labels).is_empty());
    }

    #[test]
    fn row_221_a_policy_needs_to_be_on_and_to_forbid_what_the_data_is_used_for() {
        let labels = labels(&[("a", &["C12"])]);
        let mut example = Example::new(&["a"], &[]);
        let mut rule = policy(&["C12"], Some("ANALYTICS"));
        assert_eq!(example.judge(&rule, &labels).len(), 1);

        rule.enabled = false;
        assert!(example.judge(&rule, &labels).is_empty());
        rule.enabled = true;
        example.actions.clear();
        assert!(example.judge(&rule, &labels).is_empty());
        rule.marketing_action = None;
        assert_eq!(example.judge(&rule, &labels).len(), 1);
    }

    #[test]
    fn a_field_that_joins_a_violation_makes_it_a_new_one() {
        let rule = policy(&["C2"], Some("ANALYTICS"));
        let labels = labels(&[("a", &["C2"]), ("b", &["C2"])]);
        let one = Example::new(&["a"], &[]).judge(&rule, &labels);
        let two = Example::new(&["a", "b"], &[]).judge(&rule, &labels);

        assert_eq!(brought(&one, two.clone()), two);
        assert!(brought(&two, one.clone()).is_empty());
        assert_eq!(brought(&[], one.clone()), one);
    }

    proptest! {
        /// Taking a label, a mapping or a segment away never brings a violation.
        #[test]
        fn less_data_breaks_no_more(
            fields in prop::collection::vec(("[ab](\\.[ab]){0,2}", prop::collection::vec(0_usize..3, 0..3)), 0..6),
            mapped in prop::collection::vec("[ab](\\.[ab]){0,2}", 0..4),
            used in prop::collection::vec("[ab](\\.[ab]){0,2}", 0..4),
            rule in prop::collection::btree_set(0_usize..3, 1..3),
            dropped in 0_usize..4,
        ) {
            let words = ["C1", "C2", "C3"];
            let all: Vec<(String, BTreeSet<Label>)> = fields
                .into_iter()
                .map(|(path, of_it)| (path, of_it.into_iter().map(|index| label(words[index])).collect()))
                .collect();
            let labels: FieldLabels = all.iter().cloned().collect();
            let rule = policy(&rule.into_iter().map(|index| words[index]).collect::<Vec<_>>(), None);
            let mapped: Vec<&str> = mapped.iter().map(String::as_str).collect();
            let used: Vec<&str> = used.iter().map(String::as_str).collect();
            let example = Example::new(&mapped, &[("s1", &used)]);
            let whole = example.judge(&rule, &labels);
            prop_assert!(whole.iter().all(|found| !found.fields.is_empty()));

            let mut fewer_mappings = Example::new(&mapped, &[("s1", &used)]);
            if dropped < mapped.len() {
                fewer_mappings.activation.field_mappings.remove(dropped);
            }
            prop_assert!(brought(&whole, fewer_mappings.judge(&rule, &labels)).is_empty());
            let mut no_segment = Example::new(&mapped, &[("s1", &used)]);
            no_segment.activation.segments.clear();
            prop_assert!(brought(&whole, no_segment.judge(&rule, &labels)).is_empty());
            let fewer_labels: FieldLabels = labels
                .iter()
                .filter(|(path, _)| all.get(dropped).is_none_or(|(gone, _)| gone != *path))
                .map(|(path, labels)| (path.clone(), labels.clone()))
                .collect();
            prop_assert!(brought(&whole, example.judge(&rule, &fewer_labels)).is_empty());
        }
    }
}
