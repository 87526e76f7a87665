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
    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(&files)?;
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin"),
        // Not by way of `FileDescriptorSet`, which knows no `google.api.http` and would drop it.
        compiler.encode_file_descriptor_set(),
    )?;
    tonic_prost_build::configure()
        // They carry secrets: `secrets.rs` prints them without.
        .skip_debug([
            ".sluice.auth.v1.ClientCredentialsGrant",
            ".sluice.auth.v1.PasswordGrant",
            ".sluice.auth.v1.GetTokenResponse",
        ])
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
