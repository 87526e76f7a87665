//! Credentials and tokens, over gRPC and against a simulated Salesforce, the same on both databases.

#[cfg(test)]
mod credentials;
#[cfg(test)]
#[path = "../../../service/tests/shared/place.rs"]
mod place;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
#[path = "../shared/simulated.rs"]
mod simulated;
#[cfg(test)]
#[path = "../../../service/tests/shared/stored_bytes.rs"]
mod stored_bytes;
#[cfg(test)]
mod tokens;
