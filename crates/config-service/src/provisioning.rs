//! The custom fields that segments' statuses are written to, and who may see
//! them: made with an admin's login, or written as a package to deploy.

mod existing;
mod failure;
mod login;
mod notes;
mod package;
mod permission_sets;
mod run;
mod wanted;

pub(crate) use self::{
    failure::Failure,
    notes::{Note, of_package},
    package::{file_name, write},
    run::{FieldReport, Outcome, PermissionSetReport, Provisioner},
    wanted::{FieldDefinition, StatusFieldType, Wanted},
};
