//! Violations in words.

use super::{
    evaluate::{Place, UsedField, Violation},
    policies::PolicyKind,
    words::Label,
};

impl Violation {
    /// Says what is wrong: fields, place, labels, use, policy.
    pub fn message(&self) -> String {
        let labels: Vec<&str> = self.labels.iter().map(Label::as_str).collect();
        let labels = labels.join(" and ");
        let policy = format!("{} ({})", self.policy_display_name, self.policy.id());
        let used = self.fields_text();
        match &self.marketing_action {
            Some(action) => format!(
                "{used}, and {} is used for {action}, which the policy {policy} forbids for {labels}",
                self.destination.id()
            ),
            None => {
                format!("{used}, which the policy {policy} forbids for {labels}, whatever it is used for")
            }
        }
    }

    fn fields_text(&self) -> String {
        let fields: Vec<String> = self.fields.iter().map(field_text).collect();
        let fields = fields.join(", ");
        let many = self.fields.len() > 1;
        match &self.place {
            Place::Mappings if many => format!("{fields} are mapped"),
            Place::Mappings => format!("{fields} is mapped"),
            Place::Segment {
                segment,
                display_name,
                ..
            } => {
                let named = if display_name == segment {
                    segment.clone()
                } else {
                    format!("{display_name} ({segment})")
                };
                format!("the segment {named} uses {fields}")
            }
        }
    }

    /// Lists what can be done, any one of these.
    pub fn resolutions(&self) -> Vec<String> {
        let paths: Vec<&str> = self.fields.iter().map(|field| field.path.as_str()).collect();
        let paths = paths.join(", ");
        let mut ways = Vec::new();
        match &self.place {
            Place::Mappings => ways.push(format!("remove the mapping of {paths}")),
            Place::Segment { display_name, .. } => {
                ways.push(format!("remove the segment {display_name} from the destination"));
                ways.push(format!(
                    "change the rule of the segment, so that it does not use {paths}"
                ));
            }
        }
        if let Some(action) = &self.marketing_action {
            ways.push(format!(
                "take {action} from the destination's marketing_actions, if its data is not used for that"
            ));
        }
        ways.push(format!("correct the labels of {paths}, if they are wrong"));
        if self.policy_kind != PolicyKind::Always {
            ways.push(format!("switch the policy {} off", self.policy.id()));
        }
        ways
    }

    /// Says what is wrong and what can be done, as the problem of a field.
    pub fn advice(&self) -> String {
        format!("{}; {}", self.message(), self.resolutions().join(", or "))
    }

    /// Returns the path of what must be mended, in the destination.
    pub fn path_in_destination(&self) -> String {
        match &self.place {
            Place::Mappings => {
                let index = self.fields.iter().find_map(|field| field.mapping).unwrap_or(0);
                format!("field_mappings[{index}].source")
            }
            Place::Segment { index, .. } => format!("segments[{index}].segment"),
        }
    }
}

fn field_text(field: &UsedField) -> String {
    let labels: Vec<&str> = field.labels.iter().map(Label::as_str).collect();
    let inherited: Vec<&str> = field
        .labelled
        .iter()
        .map(String::as_str)
        .filter(|labelled| *labelled != field.path)
        .collect();
    let from = if inherited.is_empty() {
        String::new()
    } else {
        format!(" from {}", inherited.join(" and "))
    };
    format!("{} (labelled {}{from})", field.path, labels.join(", "))
}
