//! The protobuf contracts of Sluice's services, generated from `proto/`, and
//! their conversions to and from the types of `activation`.

/// `sluice.config.v1`: connections, destinations, plans.
pub mod config {
    pub mod v1 {
        #![allow(clippy::all, clippy::pedantic, unreachable_pub, reason = "generated")]
        #![allow(
            clippy::allow_attributes,
            clippy::allow_attributes_without_reason,
            reason = "generated"
        )]
        #![allow(unused_qualifications, reason = "generated")]
        tonic::include_proto!("sluice.config.v1");
    }
}

/// `sluice.auth.v1`: credentials and tokens.
pub mod auth {
    pub mod v1 {
        #![allow(clippy::all, clippy::pedantic, unreachable_pub, reason = "generated")]
        #![allow(
            clippy::allow_attributes,
            clippy::allow_attributes_without_reason,
            reason = "generated"
        )]
        #![allow(unused_qualifications, reason = "generated")]
        tonic::include_proto!("sluice.auth.v1");
    }
}

/// `sluice.delivery.v1`: profile updates, receipts, runs, dead letters.
pub mod delivery {
    pub mod v1 {
        #![allow(clippy::all, clippy::pedantic, unreachable_pub, reason = "generated")]
        #![allow(
            clippy::allow_attributes,
            clippy::allow_attributes_without_reason,
            reason = "generated"
        )]
        #![allow(unused_qualifications, reason = "generated")]
        tonic::include_proto!("sluice.delivery.v1");
    }
}

/// Descriptors of all packages, with their comments and `google.api.http`
/// annotations: for gRPC reflection and JSON over HTTP.
pub const FILE_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

pub mod actor;
pub mod convert;
pub mod json;
pub mod page;
mod secrets;
pub mod status;
