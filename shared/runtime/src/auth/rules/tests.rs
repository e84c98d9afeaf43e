use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::*;

const CONTRACT: &str = r#"
syntax = "proto3";
package test.v1;
import "seva/options/v1/options.proto";
message Nothing {}
service HalfDeclaredService {
  rpc Declared(Nothing) returns (Nothing) { option (seva.options.v1.auth) = {scopes: "a.read"}; }
  rpc Bare(Nothing) returns (Nothing);
  rpc Empty(Nothing) returns (Nothing) { option (seva.options.v1.auth) = {}; }
}
service DeclaredService {
  rpc Get(Nothing) returns (Nothing) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (seva.options.v1.auth) = {scopes: ["a.read", "b.read"], audit_reads: true};
  }
  rpc Repeat(stream Nothing) returns (Nothing) {
    option idempotency_level = IDEMPOTENT;
    option (seva.options.v1.auth) = {scopes: "a.write"};
  }
}
"#;

struct InMemory;

impl FileResolver for InMemory {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let options = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/seva/options/v1/options.proto"));
        match name {
            "test.proto" => File::from_source(name, CONTRACT),
            "seva/options/v1/options.proto" => File::from_source(name, options),
            _ => Err(protox::Error::file_not_found(name)),
        }
    }
}

fn pool() -> DescriptorPool {
    let mut resolver = ChainFileResolver::new();
    resolver.add(InMemory);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).open_file("test.proto").unwrap();
    DescriptorPool::decode(compiler.encode_file_descriptor_set().as_slice()).unwrap()
}

#[test]
fn every_rpc_without_a_rule_is_named_and_so_is_an_unknown_service() {
    let undeclared = Rules::from_pool(&pool(), &["test.v1.HalfDeclaredService", "test.v1.NoService"]).unwrap_err();

    assert_eq!(
        undeclared,
        [
            UndeclaredRpc::Method("test.v1.HalfDeclaredService/Bare".into()),
            UndeclaredRpc::Method("test.v1.HalfDeclaredService/Empty".into()),
            UndeclaredRpc::Service("test.v1.NoService".into()),
        ]
    );
}

#[test]
fn a_rule_says_what_the_contract_says() {
    let rules = Rules::from_pool(&pool(), &["test.v1.DeclaredService"]).unwrap();

    let get = rules.find("/test.v1.DeclaredService/Get").unwrap();
    assert_eq!(get.scopes, ["a.read", "b.read"]);
    assert!(get.reads && get.audit_reads && !get.public && !get.streams());
    let repeat = rules.find("/test.v1.DeclaredService/Repeat").unwrap();
    assert!(!repeat.reads && repeat.client_streaming && !repeat.server_streaming);
    assert!(rules.find("/test.v1.DeclaredService/Missing").is_none());
    assert!(rules.cover("test.v1.DeclaredService") && !rules.cover("test.v1.HalfDeclaredService"));
}

#[test]
fn the_whole_contract_is_declared() {
    let services = seva_proto::descriptor_pool().services();
    let names: Vec<String> = services.map(|service| service.full_name().to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.starts_with("seva.")).collect();

    let rules = Rules::for_services(&names).unwrap();

    assert!(rules.iter().all(|rule| rule.public == rule.name.starts_with("grpc.")));
    assert!(rules.find("/grpc.health.v1.Health/Check").unwrap().public);
}
