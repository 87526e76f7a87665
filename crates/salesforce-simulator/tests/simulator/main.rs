//! The simulator over real HTTP, rule by rule of salesforce-contract.md.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod client;
#[cfg(test)]
mod collections;
#[cfg(test)]
mod describe;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod encoding;
#[cfg(test)]
mod fault_script;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod hidden_fields;
#[cfg(test)]
mod history;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod late;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod login_errors;
#[cfg(test)]
mod long_running;
#[cfg(test)]
mod many;
#[cfg(test)]
mod org_rules;
#[cfg(test)]
mod page;
#[cfg(test)]
mod query;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod record_rules;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod signer;
#[cfg(test)]
mod single;
#[cfg(test)]
mod switches;
#[cfg(test)]
mod token;
#[cfg(test)]
mod tooling;
#[cfg(test)]
mod upsert;
