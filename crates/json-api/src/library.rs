//! A contract of the tests, `tests/protos/library.proto`.

use prost_reflect::DescriptorPool;

use crate::{
    SetUpError,
    route::{Route, RouteTable},
};

pub(crate) const SERVICE: &str = "library.v1.LibraryService";

/// Compiles the contract with its comments and annotations.
pub(crate) fn descriptors() -> Vec<u8> {
    let protos = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protos");
    let googles = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");
    protox::Compiler::new([protos, googles])
        .unwrap()
        .include_imports(true)
        .include_source_info(true)
        .open_files(["library.proto"])
        .unwrap()
        .encode_file_descriptor_set()
}

pub(crate) fn table() -> RouteTable {
    let pool = DescriptorPool::decode(descriptors().as_slice()).unwrap();
    RouteTable::read(&pool, &[SERVICE]).unwrap()
}

/// Returns the first route of a call.
pub(crate) fn route(rpc: &str) -> Route {
    let mut routes = table().routes.into_iter();
    routes.find(|route| route.rpc.name() == rpc).unwrap()
}

/// Reads a service with one call, annotated so.
pub(crate) fn read_annotation(annotation: &str, returns: &str) -> Result<RouteTable, SetUpError> {
    let text = format!(
        "syntax = \"proto3\";
         import \"google/api/annotations.proto\";
         service Service {{
           rpc Call(Message) returns ({returns}) {{ option (google.api.http) = {{{annotation}}}; }}
         }}
         message Message {{ string name = 1; int32 number = 2; Message inner = 3; }}"
    );
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("service.proto"), text).unwrap();
    let googles = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");
    let descriptors = protox::Compiler::new([directory.path(), googles.as_ref()])
        .unwrap()
        .include_imports(true)
        .open_files(["service.proto"])
        .unwrap()
        .encode_file_descriptor_set();
    let pool = DescriptorPool::decode(descriptors.as_slice()).unwrap();
    RouteTable::read(&pool, &["Service"])
}
