//! Generates the contract's Rust code with protox, so that no `protoc` is needed.

use std::{env, fmt::Write as _, fs, path::PathBuf};

use prost_reflect::{DescriptorPool, Kind};

const ROOT: &str = "../../proto";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let files = proto_files();
    let mut compiler = protox::Compiler::new([ROOT]).expect("the proto folder exists");
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files).unwrap_or_else(|fault| panic!("{fault:?}"));

    // The encoded form keeps our options; the decoded one, which is good enough to generate from, drops them.
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptors.bin"), &encoded).expect("OUT_DIR is writable");
    fs::write(out.join("mutations.rs"), mutations(&encoded)).expect("OUT_DIR is writable");

    tonic_prost_build::configure()
        .bytes(".seva.events.v1")
        .bytes(".io.cloudevents.v1")
        // In one order: requests are compared by their bytes.
        .btree_map(".seva.tickets.v1")
        .extern_path(".google.rpc", "::tonic_types::pb")
        .compile_fds(compiler.file_descriptor_set())
        .expect("what protox accepts can be generated");
    println!("cargo:rerun-if-changed={ROOT}");
}

/// All files below the proto root, by their path from it.
fn proto_files() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(ROOT)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the proto folder is readable") {
            let path = entry.expect("the proto folder is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                let path = path.strip_prefix(ROOT).expect("found below the root");
                found.push(path.to_str().expect("our file names are ASCII").to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Implements `Mutation` for every request that carries a `request_id`.
fn mutations(encoded: &[u8]) -> String {
    let pool = DescriptorPool::decode(encoded).expect("protox writes valid descriptors");
    let mut code = String::new();
    for message in pool.all_messages() {
        let is_mutation = message
            .get_field_by_name("request_id")
            .is_some_and(|field| field.kind() == Kind::String && message.name().ends_with("Request"));
        if is_mutation {
            let module = message.package_name().replace('.', "::");
            let name = message.name();
            writeln!(
                code,
                "impl crate::Mutation for crate::{module}::{name} {{ fn request_id(&self) -> &str {{ &self.request_id }} }}"
            )
            .expect("writing to a string cannot fail");
        }
    }
    code
}
