//! What admins configure, over gRPC and as JSON, with the real auth-service and a simulated Salesforce, the same on both databases.

#[cfg(test)]
mod activation;
#[cfg(test)]
mod backfills;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod creation;
#[cfg(test)]
mod destinations;
#[cfg(test)]
mod governance;
#[cfg(test)]
mod governed;
#[cfg(test)]
mod http;
#[cfg(test)]
mod json;
#[cfg(test)]
mod life;
#[cfg(test)]
mod migrations;
#[cfg(test)]
#[path = "../../../service/tests/shared/place.rs"]
mod place;
#[cfg(test)]
mod plan_histories;
#[cfg(test)]
mod plan_replicas;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod preflight;
#[cfg(test)]
mod provisioning;
#[cfg(test)]
mod putting;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod segments;
#[cfg(test)]
#[path = "../../../auth-service/tests/shared/simulated.rs"]
mod simulated;
#[cfg(test)]
mod staging;
#[cfg(test)]
mod status_values;
#[cfg(test)]
mod suggestions;
