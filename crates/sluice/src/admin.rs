//! Admin commands: each makes one or two calls and prints what came of them.

pub mod catalog;
pub mod configuration;
pub mod connections;
mod creation;
pub mod credentials;
pub mod destinations;
pub mod fields;
pub mod governance;
pub mod mappings;
pub mod monitoring;
mod pages;
pub mod preflight;
mod registry;
pub mod segments;
mod staged;
mod text;
