//! The rules of every RPC, read from the contract's descriptors: a server knows nothing about scopes that the contract does not say.

use std::{collections::HashMap, sync::Arc};

use prost_reflect::{DescriptorPool, MethodDescriptor, Value};

#[cfg(test)]
mod tests;

/// Number and name of the option that every RPC carries.
const AUTH_OPTION: &str = "seva.options.v1.auth";
/// `google.protobuf.MethodOptions.IdempotencyLevel.NO_SIDE_EFFECTS`.
const NO_SIDE_EFFECTS: i32 = 1;

/// What every server offers to callers without a credential: probes come from machines, and reflection tells what is in the contract.
const OPEN: [(&str, bool); 4] = [
    ("grpc.health.v1.Health/Check", false),
    ("grpc.health.v1.Health/Watch", true),
    ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", true),
    ("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", true),
];

/// The rules of the RPCs of one server, by path.
#[derive(Debug, Clone)]
pub struct Rules {
    methods: Arc<HashMap<String, Arc<MethodRule>>>,
}

/// What is known of one RPC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodRule {
    /// Fully qualified, without a leading slash: `seva.events.v1.ClockService/GetTime`.
    pub name: Arc<str>,
    /// The caller needs one of these.
    pub scopes: Vec<String>,
    /// Some requests need one of these, too; the handler asks for it.
    pub besides: Vec<String>,
    /// Open to callers without a credential.
    pub public: bool,
    /// Every call is audited, also when it reads.
    pub audit_reads: bool,
    /// Has no side effects: it may be dropped when its caller leaves, and repeated.
    pub reads: bool,
    /// The caller sends a stream.
    pub client_streaming: bool,
    /// The answer is a stream.
    pub server_streaming: bool,
}

impl MethodRule {
    /// Whether either side streams.
    pub fn streams(&self) -> bool {
        self.client_streaming || self.server_streaming
    }
}

/// An RPC that does not say who may call it, or a service that is not in the contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UndeclaredRpc {
    /// The RPC has no rule, or one that admits nobody.
    #[error("{0} does not declare who may call it (option {AUTH_OPTION})")]
    Method(String),
    /// There is no such service.
    #[error("service {0} is not in the contract")]
    Service(String),
}

impl Rules {
    /// The rules of the named services, such as `seva.events.v1.ClockService`, and those of health and reflection.
    ///
    /// # Errors
    /// Every RPC that declares no rule, all at once: a server with one of them must not start.
    pub fn for_services(services: &[&str]) -> Result<Self, Vec<UndeclaredRpc>> {
        Self::from_pool(seva_proto::descriptor_pool(), services)
    }

    /// The rules of services of any contract.
    ///
    /// # Errors
    /// As [`Rules::for_services`].
    pub fn from_pool(pool: &DescriptorPool, services: &[&str]) -> Result<Self, Vec<UndeclaredRpc>> {
        let mut methods = HashMap::new();
        let mut undeclared = Vec::new();
        for name in services {
            let Some(service) = pool.get_service_by_name(name) else {
                undeclared.push(UndeclaredRpc::Service((*name).to_owned()));
                continue;
            };
            for method in service.methods() {
                match rule_of(pool, &method) {
                    Some(rule) => {
                        methods.insert(format!("/{}", rule.name), Arc::new(rule));
                    }
                    None => undeclared.push(UndeclaredRpc::Method(name_of(&method))),
                }
            }
        }
        for (name, streaming) in OPEN {
            methods.insert(format!("/{name}"), Arc::new(open(name, streaming)));
        }
        if undeclared.is_empty() { Ok(Self { methods: Arc::new(methods) }) } else { Err(undeclared) }
    }

    /// The rule of the RPC at `path`, such as `/seva.events.v1.ClockService/GetTime`.
    pub fn find(&self, path: &str) -> Option<&Arc<MethodRule>> {
        self.methods.get(path)
    }

    /// Whether any RPC of `service` has a rule.
    pub fn cover(&self, service: &str) -> bool {
        self.methods.keys().any(|path| path[1..].rsplit_once('/').is_some_and(|(name, _)| name == service))
    }

    /// The rules in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &MethodRule> {
        self.methods.values().map(Arc::as_ref)
    }
}

fn name_of(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

/// The rule of a method; `None` when it has none or one under which nobody could call it.
fn rule_of(pool: &DescriptorPool, method: &MethodDescriptor) -> Option<MethodRule> {
    let extension = pool.get_extension_by_name(AUTH_OPTION)?;
    let options = method.options();
    if !options.has_extension(&extension) {
        return None;
    }
    let declared = options.get_extension(&extension);
    let declared = declared.as_message()?;
    let flag = |name: &str| declared.get_field_by_name(name).and_then(|value| value.as_bool()).unwrap_or(false);
    let names = |field: &str| -> Vec<String> {
        let names = declared.get_field_by_name(field);
        let names = names.as_deref().and_then(Value::as_list).into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let scopes = names("scopes");
    let public = flag("public");
    if scopes.is_empty() && !public {
        return None;
    }
    Some(MethodRule {
        name: name_of(method).into(),
        scopes,
        besides: names("besides"),
        public,
        audit_reads: flag("audit_reads"),
        reads: has_no_side_effects(method),
        client_streaming: method.is_client_streaming(),
        server_streaming: method.is_server_streaming(),
    })
}

/// Whether the contract says that the method changes nothing.
pub(crate) fn has_no_side_effects(method: &MethodDescriptor) -> bool {
    method
        .options()
        .get_field_by_name("idempotency_level")
        .and_then(|value| value.as_enum_number())
        .is_some_and(|level| level == NO_SIDE_EFFECTS)
}

fn open(name: &str, streaming: bool) -> MethodRule {
    MethodRule {
        name: name.into(),
        scopes: Vec::new(),
        besides: Vec::new(),
        public: true,
        audit_reads: false,
        reads: true,
        client_streaming: streaming && name.starts_with("grpc.reflection"),
        server_streaming: streaming,
    }
}
