//! Rows as CSV: the columns are the fields that the contract gives a row.

use ::csv::{Terminator, Writer, WriterBuilder};
use jiff::Timestamp;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value};
use seva_proto::tickets::v1::{ExportReportResponse, ReportRow, report_row::Row};
use seva_runtime::Error;

use super::{model::Report, stream::Parcel};

/// A part of a file is sent when it has so many bytes; a line is far shorter than what is left to 64 KiB.
const ENOUGH_BYTES: usize = 32 * 1024;

const PACKAGE: &str = "seva.tickets.v1";
const TIMESTAMP: &str = "google.protobuf.Timestamp";

/// What a spreadsheet takes for the beginning of a formula, or passes over before one.
const SIGNS: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

impl Report {
    const fn row(self) -> &'static str {
        match self {
            Self::Volumes => "VolumeRow",
            Self::Clocks => "ClockRow",
            Self::Resolutions => "ResolutionRow",
            Self::PromisesByDepartment | Self::PromisesByOwner => "PromiseRate",
            Self::DepartmentParity => "DepartmentParity",
            Self::Causes => "CauseRow",
            Self::CauseCompensation => "CauseCompensationRow",
            Self::AvoidableContacts => "AvoidableContactRow",
            Self::WaitingByHour => "WaitingRow",
            Self::Tickets => "TicketRow",
        }
    }
}

/// A column: a field of a row, or of a message within it.
struct Column {
    name: String,
    path: Vec<FieldDescriptor>,
}

/// A part of the file.
pub struct Csv {
    rows: MessageDescriptor,
    columns: Vec<Column>,
    writer: Writer<Vec<u8>>,
}

impl Csv {
    /// Begins with the header.
    ///
    /// # Errors
    /// `INTERNAL`
    pub fn new(report: Report) -> Result<Self, Error> {
        let of = |name: &str| {
            let message = seva_proto::descriptor_pool().get_message_by_name(&format!("{PACKAGE}.{name}"));
            message.ok_or_else(|| Error::internal("a report's row is not in the contract"))
        };
        let mut columns = Vec::new();
        add_columns(&of(report.row())?, &[], &mut columns);
        let mut writer = writer();
        writer.write_record(columns.iter().map(|column| &column.name)).map_err(Error::internal)?;
        Ok(Self { rows: of("ReportRow")?, columns, writer })
    }
}

impl Parcel for Csv {
    type Answer = ExportReportResponse;

    fn add(&mut self, row: Row) -> Result<(), Error> {
        let encoded = ReportRow { row: Some(row) }.encode_to_vec();
        let row = DynamicMessage::decode(self.rows.clone(), encoded.as_slice()).map_err(Error::internal)?;
        let row = row.fields().find_map(|(_, value)| value.as_message());
        let row = row.ok_or_else(|| Error::internal("a row of a report is of a kind that is not in the contract"))?;
        self.writer.write_record(self.columns.iter().map(|column| column.cell(row))).map_err(Error::internal)
    }

    fn is_full(&self) -> bool {
        self.writer.get_ref().len() >= ENOUGH_BYTES
    }

    fn take(&mut self) -> Result<Option<ExportReportResponse>, Error> {
        let written = std::mem::replace(&mut self.writer, writer()).into_inner();
        let csv = written.map_err(|fault| Error::internal(fault.to_string()))?;
        Ok((!csv.is_empty()).then_some(ExportReportResponse { csv }))
    }
}

fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new())
}

/// All fields, with those of messages within it by both names.
fn add_columns(message: &MessageDescriptor, above: &[FieldDescriptor], columns: &mut Vec<Column>) {
    for field in message.fields() {
        let path: Vec<FieldDescriptor> = above.iter().cloned().chain([field.clone()]).collect();
        match field.kind() {
            Kind::Message(within) if within.full_name() != TIMESTAMP => add_columns(&within, &path, columns),
            _ => {
                let name = path.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join("_");
                columns.push(Column { name, path });
            }
        }
    }
}

impl Column {
    fn cell(&self, row: &DynamicMessage) -> String {
        match self.path.as_slice() {
            [field] => cell(row, field),
            [above, field] => row.get_field(above).as_message().map(|within| cell(within, field)).unwrap_or_default(),
            _ => String::new(),
        }
    }
}

fn cell(message: &DynamicMessage, field: &FieldDescriptor) -> String {
    if field.supports_presence() && !message.has_field(field) {
        return String::new();
    }
    match (&*message.get_field(field), field.kind()) {
        (Value::String(text), _) => harmless(text),
        (Value::EnumNumber(number), Kind::Enum(kind)) => {
            let prefix = screaming(kind.name());
            let value = kind.get_value(*number).map(|value| value.name().to_owned()).unwrap_or_default();
            let word = value.strip_prefix(&prefix).unwrap_or(&value).trim_start_matches('_').to_lowercase();
            if *number == 0 { String::new() } else { word }
        }
        (Value::Message(time), _) if time.descriptor().full_name() == TIMESTAMP => time_of(time),
        (Value::I32(number), _) => number.to_string(),
        (Value::I64(number), _) => number.to_string(),
        (Value::F64(number), _) => number.to_string(),
        (Value::Bool(answer), _) => answer.to_string(),
        _ => String::new(),
    }
}

fn time_of(time: &DynamicMessage) -> String {
    let seconds = time.get_field_by_name("seconds").and_then(|seconds| seconds.as_i64()).unwrap_or_default();
    let nanos = time.get_field_by_name("nanos").and_then(|nanos| nanos.as_i32()).unwrap_or_default();
    Timestamp::new(seconds, nanos).map(|at| at.to_string()).unwrap_or_default()
}

/// `WaitReason` as its values begin: `WAIT_REASON`.
fn screaming(name: &str) -> String {
    let mut words = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            words.push('_');
        }
        words.push(letter.to_ascii_uppercase());
    }
    words
}

/// A text that no spreadsheet runs (TK132).
pub(super) fn harmless(text: &str) -> String {
    if text.starts_with(SIGNS) { format!("'{text}") } else { text.to_owned() }
}
