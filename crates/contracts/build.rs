//! Compiles `proto/` with protox, so that no protoc is needed.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    for package in ["config", "auth", "delivery"] {
        for file in fs::read_dir(root.join("sluice").join(package).join("v1"))? {
            files.push(file?.path());
        }
    }
    files.sort();
    let descriptors = protox::compile(&files, [&root])?;
    let encoded = prost::Message::encode_to_vec(&descriptors);
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin"),
        encoded,
    )?;
    tonic_prost_build::configure()
        // They carry secrets: `secrets.rs` prints them without.
        .skip_debug([
            ".sluice.auth.v1.ClientCredentialsGrant",
            ".sluice.auth.v1.PasswordGrant",
            ".sluice.auth.v1.GetTokenResponse",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}
