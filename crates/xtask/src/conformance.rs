//! `conformance`: what other people's tools make of us.
//!
//! buf lints the protos, compose reads its file, a Python client that shares nothing with us drives a running
//! Sluice, so does a tester that reads nothing but our OpenAPI document, and other people's Salesforce clients drive
//! the simulator.

mod buf;
mod compose;
mod npm;
mod openapi;
mod product;
mod python;
mod salesforce;
mod venv;

use std::{fs, path::Path, process::ExitCode};

use anyhow::Result;

use crate::{cargo::build_sluice, repository};

use self::{openapi::OpenApi, product::Product, python::Python};

/// Runs everything, or only the Salesforce clients that are named.
pub(crate) fn run(clients: &[String]) -> Result<ExitCode> {
    let directory = repository::target().join("conformance");
    fs::create_dir_all(&directory)?;
    let clients = salesforce::chosen(clients)?;

    if clients.is_all() {
        buf::lint(&directory)?;
    }
    let sluice = build_sluice()?;
    if clients.is_all() {
        check_product(&directory, &sluice)?;
    }
    salesforce::drive(&directory, &sluice, &clients)?;
    println!("ok: everything held");
    Ok(ExitCode::SUCCESS)
}

fn check_product(directory: &Path, sluice: &Path) -> Result<()> {
    let python = Python::prepare(directory)?;
    let openapi = OpenApi::prepare(directory)?;
    compose::check(&python)?;
    openapi.validate(sluice)?;
    let product = Product::start(sluice)?;
    let outcome = python
        .run_conformance(&product)
        .and_then(|()| openapi.drive(&product));
    if outcome.is_err() {
        product.explain();
    }
    let ended = product.end();
    outcome?;
    ended
}
