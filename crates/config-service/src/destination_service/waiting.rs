//! What happens to accepted updates that wait, as callers choose.

use activation::InvalidField;
use contracts::config::v1 as pb;

use crate::destinations::WaitingUpdates;

/// Says what the choice is that is missing.
pub(super) fn no_choice(waiting_updates: i64) -> InvalidField {
    let waiting = match waiting_updates {
        ..=0 => "no accepted update waits now, as far as delivery has reported".to_owned(),
        1 => "1 accepted update waits".to_owned(),
        many => format!("{} accepted updates wait", grouped(many)),
    };
    InvalidField::new(
        "waiting_updates",
        format!("is required: {waiting}; RESUME sends what waits, DISCARD does not"),
    )
}

/// Writes a number with commas between thousands.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

pub(super) fn waiting_in(value: i32) -> Option<WaitingUpdates> {
    match pb::WaitingUpdates::try_from(value) {
        Ok(pb::WaitingUpdates::Resume) => Some(WaitingUpdates::Resume),
        Ok(pb::WaitingUpdates::Discard) => Some(WaitingUpdates::Discard),
        Ok(pb::WaitingUpdates::Unspecified) | Err(_) => None,
    }
}
