//! What the tests of the product's promises share. They know the product as its users do: the `sluice`
//! program as processes of its own, its gRPC contracts, and the admin surface of the simulated Salesforce.

pub mod installation;
pub mod pages;
pub mod postgres;
pub mod processes;
pub mod profiles;
pub mod simulator;
pub mod until;
