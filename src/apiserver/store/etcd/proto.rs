//! The few messages of etcd's API (v3) that are needed, in protobuf: written field by field, read by numbers of fields.
//! The numbers are those of etcd's `rpc.proto` and `kv.proto`.

/// A message that is being written.
#[derive(Default)]
pub struct Message(Vec<u8>);

impl Message {
    /// A field with a number; 0 is what a missing one means.
    pub fn number(mut self, field: u8, number: u64) -> Self {
        if number != 0 {
            self.0.push(field << 3);
            varint(&mut self.0, number);
        }
        self
    }

    /// A field with bytes.
    pub fn bytes(mut self, field: u8, bytes: &[u8]) -> Self {
        self.0.push(field << 3 | 2);
        varint(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// A field with a message.
    pub fn message(self, field: u8, message: Message) -> Self {
        self.bytes(field, &message.0)
    }

    /// The message's bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The bytes are no such message.
#[derive(Debug, PartialEq)]
pub struct Malformed;

/// What a field has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    /// A number.
    Number(u64),
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
}

/// The fields of a message with their numbers.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = self.0.split_first().ok_or(Malformed)?;
            self.0 = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u64, Field<'a>), Malformed> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Number(self.varint()?),
            1 => Field::Bytes(self.take(8)?),
            2 => {
                let length = self.varint()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Bytes(self.take(4)?),
            _ => return Err(Malformed),
        };
        Ok((tag >> 3, field))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Field<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// `RangeRequest`: the keys from one to before another (only that one when the end is empty).
#[derive(Clone, Copy, Debug, Default)]
pub struct RangeRequest<'a> {
    /// The first key.
    pub key: &'a [u8],
    /// The key behind the last one.
    pub end: &'a [u8],
    /// The most keys wanted; 0 for all.
    pub limit: u64,
    /// The revision; 0 for the last one.
    pub revision: u64,
    /// Whether only their number is wanted.
    pub count_only: bool,
}

impl RangeRequest<'_> {
    /// The message.
    pub fn message(&self) -> Message {
        let message = Message::default().bytes(1, self.key).bytes(2, self.end).number(3, self.limit);
        message.number(4, self.revision).number(9, self.count_only.into())
    }
}

/// `Compare`: the revision that wrote a key last is this; 0 when there is no key.
pub fn written_by(key: &[u8], revision: u64) -> Message {
    const MOD: u64 = 2;
    Message::default().number(2, MOD).bytes(3, key).number(6, revision)
}

/// `Compare`: a key has been written so often.
pub fn written_times(key: &[u8], times: u64) -> Message {
    Message::default().bytes(3, key).number(4, times)
}

/// `RequestOp` that reads one key.
pub fn read(key: &[u8]) -> Message {
    Message::default().message(1, RangeRequest { key, ..RangeRequest::default() }.message())
}

/// `RequestOp` that writes a key.
pub fn put(key: &[u8], value: &[u8]) -> Message {
    Message::default().message(2, Message::default().bytes(1, key).bytes(2, value))
}

/// `RequestOp` that deletes a key.
pub fn delete(key: &[u8]) -> Message {
    Message::default().message(3, Message::default().bytes(1, key))
}

/// `TxnRequest`: when all the comparisons hold the first operations, else the others.
pub fn transaction(compare: Vec<Message>, success: Vec<Message>, failure: Vec<Message>) -> Message {
    let mut message = Message::default();
    for (field, parts) in [(1, compare), (2, success), (3, failure)] {
        message = parts.into_iter().fold(message, |message, part| message.message(field, part));
    }
    message
}

/// `WatchRequest` for all keys, from a revision on.
pub fn watch_everything(from: u64) -> Message {
    // A range from the smallest key to the key 0 is all keys.
    Message::default().message(1, Message::default().bytes(1, &[0]).bytes(2, &[0]).number(3, from))
}

/// `CompactionRequest`.
pub fn compaction(revision: u64) -> Message {
    Message::default().number(1, revision)
}

/// `KeyValue`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KeyValue<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The revision that wrote it last.
    pub revision: u64,
    /// How often it was written since it was made.
    pub times: u64,
    /// The value.
    pub value: &'a [u8],
}

impl<'a> KeyValue<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut pair = Self::default();
        for field in Fields(bytes) {
            match field? {
                (1, Field::Bytes(key)) => pair.key = key,
                (3, Field::Number(revision)) => pair.revision = revision,
                (4, Field::Number(times)) => pair.times = times,
                (5, Field::Bytes(value)) => pair.value = value,
                _ => {}
            }
        }
        Ok(pair)
    }
}

/// `ResponseHeader`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Header {
    /// Which cluster answers.
    pub cluster: u64,
    /// The last revision.
    pub revision: u64,
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut header = Self::default();
        for field in Fields(bytes) {
            match field? {
                (1, Field::Number(cluster)) => header.cluster = cluster,
                (3, Field::Number(revision)) => header.revision = revision,
                _ => {}
            }
        }
        Ok(header)
    }
}

/// `RangeResponse`.
#[derive(Debug, Default)]
pub struct RangeResponse<'a> {
    /// Its header.
    pub header: Header,
    /// What was found.
    pub pairs: Vec<KeyValue<'a>>,
    /// How many keys there are in the range, beyond the limit too.
    pub count: u64,
}

impl<'a> RangeResponse<'a> {
    /// Reads the message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut response = Self::default();
        for field in Fields(bytes) {
            match field? {
                (1, Field::Bytes(header)) => response.header = Header::parse(header)?,
                (2, Field::Bytes(pair)) => response.pairs.push(KeyValue::parse(pair)?),
                (4, Field::Number(count)) => response.count = count,
                _ => {}
            }
        }
        Ok(response)
    }
}

/// `TxnResponse`.
#[derive(Debug, Default)]
pub struct TxnResponse<'a> {
    /// Its header: when it succeeded with writes, their revision.
    pub header: Header,
    /// Whether all the comparisons held.
    pub succeeded: bool,
    /// What the operations that read have read, in order.
    pub read: Vec<RangeResponse<'a>>,
}

impl<'a> TxnResponse<'a> {
    /// Reads the message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut response = Self::default();
        for field in Fields(bytes) {
            match field? {
                (1, Field::Bytes(header)) => response.header = Header::parse(header)?,
                (2, Field::Number(succeeded)) => response.succeeded = succeeded != 0,
                (3, Field::Bytes(operation)) => {
                    for field in Fields(operation) {
                        if let (1, Field::Bytes(range)) = field? {
                            response.read.push(RangeResponse::parse(range)?);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(response)
    }
}

/// `WatchResponse`.
#[derive(Debug, Default)]
pub struct WatchResponse<'a> {
    /// Whether no more will come.
    pub canceled: bool,
    /// When it is canceled because the revision to start from is compacted: the first one that is not.
    pub compacted: u64,
    /// Why it was canceled.
    pub reason: String,
    /// What was written, and whether it was deleted: whole revisions, in order.
    pub events: Vec<(KeyValue<'a>, bool)>,
}

impl<'a> WatchResponse<'a> {
    /// Reads the message.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut response = Self::default();
        for field in Fields(bytes) {
            match field? {
                (4, Field::Number(canceled)) => response.canceled = canceled != 0,
                (5, Field::Number(revision)) => response.compacted = revision,
                (6, Field::Bytes(reason)) => response.reason = String::from_utf8_lossy(reason).into_owned(),
                (11, Field::Bytes(event)) => {
                    let (mut pair, mut deleted) = (KeyValue::default(), false);
                    for field in Fields(event) {
                        match field? {
                            (1, Field::Number(kind)) => deleted = kind == 1,
                            (2, Field::Bytes(bytes)) => pair = KeyValue::parse(bytes)?,
                            _ => {}
                        }
                    }
                    response.events.push((pair, deleted));
                }
                _ => {}
            }
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_are_written() {
        let pair = |key: &[u8], revision| Message::default().bytes(1, key).number(3, revision).bytes(5, b"v");
        let header = Message::default().number(1, u64::MAX).number(3, 300);
        let range = Message::default().message(1, header).message(2, pair(b"a", 1)).message(2, pair(b"b", 128));
        let bytes = range.number(4, 9).finish();
        let response = RangeResponse::parse(&bytes).unwrap();
        assert_eq!((response.header, response.count), (Header { cluster: u64::MAX, revision: 300 }, 9));
        let found: Vec<_> = response.pairs.iter().map(|p| (p.key, p.revision, p.value)).collect();
        assert_eq!(found, [(&b"a"[..], 1, &b"v"[..]), (b"b", 128, b"v")]);
        for length in 0..bytes.len() {
            // What is cut off is malformed, unless the cut is between two fields.
            let parsed = RangeResponse::parse(&bytes[..length]);
            assert!(parsed.is_err() || parsed.unwrap().pairs.len() <= 2);
        }
        assert!(Fields(&[0x0a, 0x05, 1]).any(|field| field == Err(Malformed)));
        assert!(Fields(&[0xff; 11]).any(|field| field == Err(Malformed)));
    }

    #[test]
    fn a_range_request_is_etcds() {
        // As protoc encodes it: key "a", range_end "b", limit 500, revision 1.
        let request = RangeRequest { key: b"a", end: b"b", limit: 500, revision: 1, count_only: true };
        let expected = [0x0a, 1, b'a', 0x12, 1, b'b', 0x18, 0xf4, 3, 0x20, 1, 0x48, 1];
        assert_eq!(request.message().finish(), expected);
    }
}
