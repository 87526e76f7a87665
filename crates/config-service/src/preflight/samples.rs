//! Samples: the profiles that an admin tries a destination with.

use activation::{InvalidField, profile::ProfileUpdate, profile_json};
use contracts::{
    config::v1::{self as pb, sample_profile::Sample},
    convert::required,
};

/// Most samples of one request.
pub const MAX_SAMPLES: usize = 100;

/// Reads the samples of a request, or names everything that is wrong with each.
pub fn parse(samples: &[pb::SampleProfile]) -> Result<Vec<ProfileUpdate>, Vec<InvalidField>> {
    if samples.is_empty() || samples.len() > MAX_SAMPLES {
        let problem = format!(
            "{} samples; 1 to {MAX_SAMPLES} can be tried at once",
            samples.len()
        );
        return Err(vec![InvalidField::new("samples", problem)]);
    }
    let mut wrong = Vec::new();
    let mut read = Vec::with_capacity(samples.len());
    for (index, sample) in samples.iter().enumerate() {
        match parse_one(sample) {
            Ok(update) => read.push(update),
            Err(invalid) => wrong.push(invalid.below(&format!("samples[{index}]"))),
        }
    }
    if wrong.is_empty() { Ok(read) } else { Err(wrong) }
}

/// Reads one sample; paths begin inside of it.
pub fn parse_one(sample: &pb::SampleProfile) -> Result<ProfileUpdate, InvalidField> {
    match required(sample.sample.as_ref(), "update")? {
        Sample::Update(update) => ProfileUpdate::try_from(update).map_err(|invalid| invalid.below("update")),
        Sample::Document(document) => {
            profile_json::parse(document.as_bytes()).map_err(|invalid| invalid.below("document"))
        }
    }
}
