//! The simulator over real HTTP, rule by rule of salesforce-contract.md.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod client;
#[cfg(test)]
mod collections;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod many;
#[cfg(test)]
mod org_rules;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod record_rules;
#[cfg(test)]
mod single;
#[cfg(test)]
mod switches;
#[cfg(test)]
mod token;
#[cfg(test)]
mod upsert;
