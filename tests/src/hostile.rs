//! Messages nobody would send: random bytes, and random messages that have the right shape.

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// Messages within messages beyond this depth are left out.
const DEEPEST: u32 = 4;

/// Texts that lead deep into a handler, and texts that handlers, databases and logs trip over.
const TEXTS: [&str; 36] = [
    "",
    " ",
    "0",
    "*",
    "%",
    "a",
    "\0",
    "nul\0inside",
    "two\r\nlines",
    "'; drop table customer; --",
    "{{ order_number }}",
    "<b>&amp;</b>",
    "\u{202e}turned around",
    "\u{feff}",
    "e\u{301}\u{301}\u{301}",
    "آپ کا آرڈر",
    "ग्राहक सेवा",
    "en",
    "ur",
    "x-nobody-speaks-this",
    "Asia/Kolkata",
    "Europe/Nowhere",
    "+4915112345678",
    "somebody@example.com",
    "somebody@\0example.com",
    "//shop.example",
    "EUR",
    "2026-02-30",
    "2026-11-22",
    "09:00",
    "order_delivered",
    "categories/orders",
    "templates/order_delivered/versions/1",
    "create_time desc",
    "00000000-0000-0000-0000-000000000000",
    "99999999999999999999999999",
];

/// Collections whose names handlers take apart.
const COLLECTIONS: [&str; 14] = [
    "customers",
    "orders",
    "invoices",
    "notifications",
    "apiKeys",
    "deadLetters",
    "tickets",
    "departments",
    "staffMembers",
    "surveys",
    "programmes",
    "invitations",
    "responses",
    "loopCases",
];

/// Numbers at which something usually ends.
const NUMBERS: [i64; 12] =
    [0, 1, -1, 2, 50, 1000, 1001, 2_147_483_647, -2_147_483_648, 253_402_300_800, i64::MAX, i64::MIN];

/// A source of hostile messages that repeats itself for the same seed.
#[derive(Debug)]
pub struct Hostile(StdRng);

impl Hostile {
    /// From this seed.
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Up to 300 random bytes.
    pub fn bytes(&mut self) -> Bytes {
        let length = self.0.random_range(0..300);
        (0..length).map(|_| self.0.random::<u8>()).collect()
    }

    /// A message of the right shape with a few bytes changed, so that it may or may not be one.
    pub fn damaged(&mut self, shape: &MessageDescriptor) -> Bytes {
        let mut bytes = self.message(shape).to_vec();
        for _ in 0..self.0.random_range(1..5) {
            if let Some(index) = (0..bytes.len()).collect::<Vec<_>>().choose(&mut self.0) {
                bytes[*index] = self.0.random();
            }
        }
        bytes.into()
    }

    /// A message of the right shape whose fields hold anything.
    pub fn message(&mut self, shape: &MessageDescriptor) -> Bytes {
        self.fill(shape, 0).encode_to_vec().into()
    }

    fn fill(&mut self, shape: &MessageDescriptor, depth: u32) -> DynamicMessage {
        let mut message = DynamicMessage::new(shape.clone());
        for field in shape.fields() {
            // Most fields are set, or required ones would end everything early.
            if self.0.random_bool(0.25) || (depth >= DEEPEST && matches!(field.kind(), Kind::Message(_))) {
                continue;
            }
            let value = self.value_of(&field, depth);
            message.set_field(&field, value);
        }
        message
    }

    fn value_of(&mut self, field: &FieldDescriptor, depth: u32) -> Value {
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else { return Value::Map(Default::default()) };
            let value = entry.map_entry_value_field();
            let entries = (0..self.0.random_range(0..4))
                .map(|_| (MapKey::String(self.text(entry.map_entry_key_field().name())), self.one(&value, depth)));
            return Value::Map(entries.collect());
        }
        if field.is_list() {
            let count = *[0, 1, 1, 2, 3, 40].choose(&mut self.0).expect("it is not empty");
            return Value::List((0..count).map(|_| self.one(field, depth)).collect());
        }
        self.one(field, depth)
    }

    fn one(&mut self, field: &FieldDescriptor, depth: u32) -> Value {
        match field.kind() {
            Kind::Double => Value::F64(self.0.random()),
            Kind::Float => Value::F32(self.0.random()),
            Kind::Bool => Value::Bool(self.0.random()),
            Kind::String => Value::String(self.text(field.name())),
            Kind::Bytes => Value::Bytes(self.bytes()),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.small()),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.number()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.small().unsigned_abs()),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.number().unsigned_abs()),
            Kind::Enum(shape) => {
                let known: Vec<i32> = shape.values().map(|value| value.number()).collect();
                let number = if self.0.random_bool(0.9) { known.choose(&mut self.0).copied() } else { None };
                Value::EnumNumber(number.unwrap_or_else(|| self.small()))
            }
            Kind::Message(shape) => Value::Message(self.fill(&shape, depth + 1)),
        }
    }

    fn number(&mut self) -> i64 {
        if self.0.random_bool(0.8) { *NUMBERS.choose(&mut self.0).expect("it is not empty") } else { self.0.random() }
    }

    fn small(&mut self) -> i32 {
        i32::try_from(self.number()).unwrap_or(7)
    }

    /// A text; where the field's name says what belongs there, such a thing in most cases.
    fn text(&mut self, field: &str) -> String {
        let likely = self.0.random_bool(0.7);
        match field {
            "request_id" | "event_id" if likely => self.uuid(),
            "zone" if likely => "Asia/Karachi".to_owned(),
            "languages" | "language" if likely => {
                ["en", "hi", "bn", "ur"].choose(&mut self.0).unwrap_or(&"en").to_string()
            }
            "name" | "customer" | "subject" | "order" if likely => {
                let collection = COLLECTIONS.choose(&mut self.0).unwrap_or(&"customers");
                let collection = if field == "customer" { "customers" } else { collection };
                format!("{collection}/{}", self.uuid())
            }
            // What databases refuse in a text, wherever it comes.
            _ if self.0.random_bool(0.1) => "nul\0inside".to_owned(),
            _ if self.0.random_bool(0.05) => "x".repeat(self.0.random_range(1..20_000)),
            _ => (*TEXTS.choose(&mut self.0).expect("it is not empty")).to_owned(),
        }
    }

    /// A UUID; one in four is one that was used before, so that repeated requests meet each other.
    fn uuid(&mut self) -> String {
        if self.0.random_bool(0.25) {
            return "01890000-0000-7000-8000-000000000001".to_owned();
        }
        uuid::Uuid::from_u128(self.0.random()).to_string()
    }
}
