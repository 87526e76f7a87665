//! `conformance`: what other people's tools make of the contract.
//!
//! buf lints the protos, compose reads its file, and a Python client that shares nothing with us drives a
//! running Sluice.

mod buf;
mod compose;
mod product;
mod python;

use std::{fs, process::ExitCode};

use anyhow::Result;

use crate::{cargo::build_sluice, repository};

use self::{product::Product, python::Python};

pub(crate) fn run() -> Result<ExitCode> {
    let directory = repository::target().join("conformance");
    fs::create_dir_all(&directory)?;

    buf::lint(&directory)?;
    let python = Python::prepare(&directory)?;
    compose::check(&python)?;

    let sluice = build_sluice()?;
    let product = Product::start(&sluice)?;
    let outcome = python.run_conformance(&product);
    if outcome.is_err() {
        product.explain();
    }
    let ended = product.end();
    outcome?;
    ended?;
    println!("ok: everything held");
    Ok(ExitCode::SUCCESS)
}
