"""A client in Python that knows nothing but an address and a token: everything else it learns by reflection."""

import uuid

import grpc
from google.protobuf import any_pb2, descriptor_pool, message_factory
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status


class Service:
    """A service as reflection describes it."""

    def __init__(self, url, token=None, api_key=None):
        self.channel = grpc.insecure_channel(url.removeprefix("http://"))
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)
        self.metadata = []
        if token:
            self.metadata.append(("authorization", f"Bearer {token}"))
        if api_key:
            self.metadata.append(("x-api-key", api_key))

    def message(self, full_name, /, **fields):
        """A message of this full name."""
        kind = message_factory.GetMessageClass(self.pool.FindMessageTypeByName(full_name))
        return kind(**fields)

    def call(self, path, /, **fields):
        """Calls `pkg.Service/Method`."""
        service_name, method_name = path.split("/")
        method = self.pool.FindServiceByName(service_name).FindMethodByName(method_name)
        request = self.message(method.input_type.full_name, **fields)
        answer = message_factory.GetMessageClass(method.output_type)
        callable_ = self.channel.unary_unary(
            f"/{path}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )
        return callable_(request, metadata=self.metadata, timeout=15)


def details_of(error):
    """The details of an error by the names of their messages."""
    status = rpc_status.from_call(error)
    known = {
        kind.DESCRIPTOR.full_name: kind
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
    }
    found = {}
    for detail in status.details if status else []:
        assert isinstance(detail, any_pb2.Any)
        kind = known.get(detail.TypeName())
        if kind:
            value = kind()
            detail.Unpack(value)
            found[detail.TypeName()] = value
    return found


def failing(call):
    """The error that a call ends with."""
    try:
        call()
    except grpc.RpcError as error:
        return error
    return None


def check(checks, place):
    """Lists, writes, reads, and reads what is wrong with a bad call."""
    print("grpcio, by reflection only")
    customers = Service(place["urls"]["customers"], token=place["tokens"]["agent"])
    listed = set(customers.database.get_services())
    wanted = {"seva.customers.v1.CustomerService", "seva.customers.v1.IntakeService", "grpc.health.v1.Health"}
    checks.expect("reflection lists the services", wanted <= listed, f"{sorted(listed)}")

    email = f"asha-{uuid.uuid4().hex}@example.com"
    wanted = {
        "given_name": "आशा",
        "family_name": "शर्मा",
        "languages": ["hi", "en"],
        "zone": "Asia/Kolkata",
        "contact_points": [{"kind": 1, "value": email, "primary": True}],
    }
    create = "seva.customers.v1.CustomerService/CreateCustomer"
    request_id = str(uuid.uuid4())
    made = customers.call(create, customer=wanted, request_id=request_id).customer
    checks.expect("a customer is made", made.name.startswith("customers/"), made.name)
    again = customers.call(create, customer=wanted, request_id=request_id).customer
    checks.expect("the same request answers the same", again == made, f"{again}")
    read = customers.call("seva.customers.v1.CustomerService/GetCustomer", name=made.name).customer
    checks.expect("the customer is read back", read == made and read.given_name == "आशा", f"{read}")

    bad = {"languages": ["x!"], "zone": "Asia/Nowhere", "contact_points": [{"kind": 1, "value": "nobody"}]}
    error = failing(lambda: customers.call(create, customer=bad, request_id="none"))
    details = details_of(error) if error else {}
    code = error.code() if error else None
    checks.expect("a bad call is INVALID_ARGUMENT", code == grpc.StatusCode.INVALID_ARGUMENT, f"{code}")
    info = details.get("google.rpc.ErrorInfo")
    checks.expect("its reason is FIELDS_INVALID", info is not None and (info.reason, info.domain) == ("FIELDS_INVALID", "seva"), f"{info}")
    violations = details.get("google.rpc.BadRequest")
    fields = {violation.field for violation in violations.field_violations} if violations else set()
    wanted = {"request_id", "customer.zone", "customer.languages[0]", "customer.contact_points[0].value"}
    checks.expect("every violation is told at once", wanted <= fields, f"{sorted(fields)}")

    nobody = Service(place["urls"]["customers"])
    error = failing(lambda: nobody.call("seva.customers.v1.CustomerService/GetCustomer", name=made.name))
    code = error.code() if error else None
    checks.expect("without a credential it is UNAUTHENTICATED", code == grpc.StatusCode.UNAUTHENTICATED, f"{code}")
    hr = Service(place["urls"]["customers"], token=place["tokens"]["hr"])
    error = failing(lambda: hr.call("seva.customers.v1.CustomerService/GetCustomer", name=made.name))
    info = details_of(error).get("google.rpc.ErrorInfo") if error else None
    scope = info.metadata.get("required_scope") if info else None
    checks.expect("without the scope it says which one is needed", scope == "customers.read", f"{info}")
