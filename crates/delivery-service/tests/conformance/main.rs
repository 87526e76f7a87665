//! The journal and the outcomes, the same on both databases.

#[cfg(test)]
mod creation;
#[cfg(test)]
mod held;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod opened;
#[cfg(test)]
#[path = "../../../service/tests/shared/place.rs"]
mod place;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod rig;
#[cfg(test)]
#[expect(dead_code, reason = "other tests count logins and stop it")]
#[path = "../../../auth-service/tests/shared/simulated.rs"]
mod simulated;
#[cfg(test)]
#[path = "../../../service/tests/shared/stored_bytes.rs"]
mod stored_bytes;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod whole;
