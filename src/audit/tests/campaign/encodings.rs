//! Every other encoding of an entry that a lenient reader of protobuf takes for the same entry, or
//! for one with a field more.

/// What a field of a message holds.
#[derive(Clone, Copy)]
enum Kind {
    Number,
    Bytes,
    Message(&'static [Field]),
}

/// A field of a message.
struct Field {
    number: u64,
    kind: Kind,
    /// Whether it may be there more than once.
    is_repeated: bool,
    /// Whether its default value is written.
    is_present: bool,
}

/// What was read of a field.
#[derive(Clone)]
enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

/// The other encodings of an entry, each with how it differs.
pub(super) fn other_encodings(entry: &[u8]) -> Vec<(String, Vec<u8>)> {
    others(entry, ENTRY)
}

/// The entry with other bytes in a field, by the numbers of the fields that lead to it.
pub(super) fn with_bytes(entry: &[u8], path: &[u64], bytes: &[u8]) -> Vec<u8> {
    let mut fields = read(entry);
    let (number, within) = path.split_first().unwrap();
    let field = fields.iter_mut().find(|(found, _)| found == number);
    let (_, value) = field.unwrap();
    *value = Value::Bytes(match value {
        Value::Bytes(inner) if !within.is_empty() => with_bytes(inner, within, bytes),
        Value::Number(_) | Value::Bytes(_) => bytes.to_vec(),
    });
    write(&fields)
}

fn others(bytes: &[u8], fields: &'static [Field]) -> Vec<(String, Vec<u8>)> {
    let read = read(bytes);
    let mut others = Vec::new();
    let mut push = |how: &str, number: u64, encoded: Vec<u8>| {
        others.push((format!("{how} {number}"), encoded));
    };
    for place in 0..read.len() {
        let number = read[place].0;
        let field = fields.iter().find(|field| field.number == number).unwrap();
        push("padded tag", number, write_padded(&read, Some(place), None));
        push(
            "padded value",
            number,
            write_padded(&read, None, Some(place)),
        );
        let mut twice = read.clone();
        twice.insert(place, read[place].clone());
        if !field.is_repeated {
            push("twice", number, write(&twice));
        }
        if place > 0 && read[place - 1].0 != number {
            let mut swapped = read.clone();
            swapped.swap(place - 1, place);
            push("out of order", number, write(&swapped));
        }
        if let (Kind::Message(within), Value::Bytes(inner)) = (field.kind, &read[place].1) {
            for (how, inner) in self::others(inner, within) {
                let mut changed = read.clone();
                changed[place].1 = Value::Bytes(inner);
                push(&format!("{how} of"), number, write(&changed));
            }
        }
    }
    for field in fields.iter().filter(|field| !field.is_present) {
        let is_there = read.iter().any(|(number, _)| *number == field.number);
        if !is_there || field.is_repeated {
            let value = match field.kind {
                Kind::Number => Value::Number(0),
                Kind::Bytes | Kind::Message(_) => Value::Bytes(Vec::new()),
            };
            let place = read.iter().position(|(number, _)| *number > field.number);
            let mut nothing = read.clone();
            nothing.insert(place.unwrap_or(read.len()), (field.number, value));
            push("nothing written", field.number, write(&nothing));
        }
    }
    let mut unknown = read.clone();
    unknown.push((UNKNOWN, Value::Number(1)));
    push("unknown", UNKNOWN, write(&unknown));
    others
}

fn read(mut bytes: &[u8]) -> Vec<(u64, Value)> {
    let mut read = Vec::new();
    while !bytes.is_empty() {
        let tag = prost::decode_length_delimiter(&mut bytes).unwrap() as u64;
        let number = prost::decode_length_delimiter(&mut bytes).unwrap();
        let value = if tag & 7 == 0 {
            Value::Number(number as u64)
        } else {
            let (value, rest) = bytes.split_at(number);
            bytes = rest;
            Value::Bytes(value.to_vec())
        };
        read.push((tag >> 3, value));
    }
    read
}

fn write(fields: &[(u64, Value)]) -> Vec<u8> {
    write_padded(fields, None, None)
}

/// Writes fields, of which one has a tag, and one a number or a length, that is longer than it
/// need be.
fn write_padded(
    fields: &[(u64, Value)],
    padded_tag: Option<usize>,
    padded_value: Option<usize>,
) -> Vec<u8> {
    let mut written = Vec::new();
    for (place, (number, value)) in fields.iter().enumerate() {
        let (wire_type, first, rest) = match value {
            Value::Number(number) => (0, *number, [].as_slice()),
            Value::Bytes(bytes) => (2, bytes.len() as u64, bytes.as_slice()),
        };
        put(
            &mut written,
            number << 3 | wire_type,
            padded_tag == Some(place),
        );
        put(&mut written, first, padded_value == Some(place));
        written.extend_from_slice(rest);
    }
    written
}

fn put(written: &mut Vec<u8>, mut number: u64, is_padded: bool) {
    while number >= 128 {
        written.push((number % 128) as u8 | 128);
        number /= 128;
    }
    written.push((number % 128) as u8);
    if is_padded {
        *written.last_mut().unwrap() |= 128;
        written.push(0);
    }
}

const fn field(number: u64, kind: Kind) -> Field {
    Field {
        number,
        kind,
        is_repeated: false,
        is_present: false,
    }
}

const fn repeated(number: u64, kind: Kind) -> Field {
    Field {
        is_repeated: true,
        ..field(number, kind)
    }
}

const fn present(number: u64) -> Field {
    Field {
        is_present: true,
        ..field(number, Kind::Number)
    }
}

const UNKNOWN: u64 = 99;
const LOG_POINT: &[Field] = &[field(1, Kind::Number), field(2, Kind::Bytes)];
const ACCESS: &[Field] = &[
    field(1, Kind::Bytes),
    field(2, Kind::Bytes),
    field(3, Kind::Bytes),
    field(4, Kind::Number),
    field(5, Kind::Number),
];
const CEREMONY: &[Field] = &[
    field(1, Kind::Bytes),
    field(2, Kind::Number),
    field(3, Kind::Bytes),
    repeated(4, Kind::Bytes),
    field(5, Kind::Number),
    field(6, Kind::Number),
    present(7),
    field(8, Kind::Bytes),
    field(20, Kind::Message(LOG_POINT)),
    field(21, Kind::Bytes),
    present(22),
    field(23, Kind::Message(LOG_POINT)),
    field(24, Kind::Bytes),
    present(30),
];
const ITEM: &[Field] = &[
    field(1, Kind::Number),
    field(2, Kind::Number),
    field(3, Kind::Bytes),
    field(4, Kind::Number),
    field(5, Kind::Number),
];
const SHARE: &[Field] = &[
    field(1, Kind::Bytes),
    field(2, Kind::Bytes),
    field(3, Kind::Bytes),
];
const SHARING: &[Field] = &[
    field(1, Kind::Bytes),
    field(2, Kind::Number),
    repeated(3, Kind::Bytes),
];
const ENTRY: &[Field] = &[
    field(1, Kind::Number),
    field(2, Kind::Number),
    field(3, Kind::Number),
    field(4, Kind::Number),
    field(5, Kind::Bytes),
    field(6, Kind::Bytes),
    repeated(7, Kind::Bytes),
    field(10, Kind::Bytes),
    field(11, Kind::Bytes),
    field(12, Kind::Bytes),
    repeated(13, Kind::Bytes),
    repeated(14, Kind::Bytes),
    repeated(15, Kind::Message(ITEM)),
    field(16, Kind::Bytes),
    field(17, Kind::Number),
    field(18, Kind::Number),
    field(19, Kind::Bytes),
    present(20),
    field(21, Kind::Number),
    field(22, Kind::Number),
    field(23, Kind::Bytes),
    field(24, Kind::Bytes),
    field(25, Kind::Number),
    field(26, Kind::Message(ACCESS)),
    field(27, Kind::Message(CEREMONY)),
    field(28, Kind::Number),
    repeated(40, Kind::Message(SHARE)),
    field(41, Kind::Message(SHARING)),
];
