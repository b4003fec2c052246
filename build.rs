//! Compiles the protocol, without `protoc`.

use std::error::Error;

const FILES: [&str; 9] = [
    "counterfoil/v1/audit.proto",
    "counterfoil/v1/backup.proto",
    "counterfoil/v1/token.proto",
    "counterfoil/v1/detokenization.proto",
    "counterfoil/v1/grant.proto",
    "counterfoil/v1/key.proto",
    "counterfoil/v1/principal.proto",
    "counterfoil/v1/seal.proto",
    "counterfoil/v1/subject.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    tonic_prost_build::configure()
        // Messages carry personal data: a derived Debug would print it in the first log line.
        .skip_debug(["."])
        .extern_path(".google.rpc", "::tonic_types::pb")
        .compile_fds(descriptors)?;
    Ok(())
}
