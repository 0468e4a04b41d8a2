//! The bytes of the file store.
//!
//! A folder has one `snapshot-REVISION` at most and one or more `log-REVISION`. A snapshot has all objects as they were
//! at its revision, a log the transactions after its revision. All numbers are little-endian; REVISION in a file's name
//! has twenty digits, so that names sort.
//!
//! ```text
//! file    = header frame*
//! header  = "steersmn" version:u32 what:u32(1 log, 2 snapshot) revision:u64 crc:u32      28 bytes
//! frame   = magic:u32 length:u32 crc:u32 record*                    length and crc (CRC-32, IEEE) are those of records
//! record  = 1 revision:u64 collection:text name:text object:blob    this object was written
//!         | 2 revision:u64 collection:text name:text                this object was deleted
//!         | 3 count:u64                                             the end of a snapshot, which has so many objects
//! text    = length:u16 bytes
//! blob    = length:u32 bytes
//! ```
//!
//! The records of a log are in order of their revisions, which have no gaps; those of one transaction have the same.
//! A frame is what one write(2) and one fdatasync(2) brought to disk: whole transactions, one or several. Nothing is
//! written behind a frame before it is on disk, so after a loss of power only the last frame of the last log can be
//! torn, and what it held was never acknowledged. Objects are JSON without `metadata.resourceVersion`,
//! which is the revision; `kind`, `apiVersion` and `metadata` come first.

use super::super::Revision;
use crate::apiserver::encoding::Encoded;
use hyper::body::Bytes;

/// How many bytes a header has.
pub const HEADER: usize = 28;
/// How many bytes a frame has before its records.
pub const FRAME: usize = 12;
/// The version of all this.
pub const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"steersmn";
const FRAME_MAGIC: [u8; 4] = [0xf7, b'S', b'F', 0x0a];

const PUT: u8 = 1;
const DELETE: u8 = 2;
const END: u8 = 3;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Transactions.
    Log = 1,
    /// All objects.
    Snapshot = 2,
}

/// One record.
#[derive(Debug)]
pub enum Record<'a> {
    /// An object was written, or deleted when there is none.
    Change {
        /// When.
        revision: Revision,
        /// Where.
        collection: &'a str,
        /// The place in it.
        name: &'a str,
        /// The object.
        object: Option<Encoded>,
    },
    /// The end of a snapshot of so many objects.
    End(u64),
}

/// A file's header.
pub fn header(what: What, revision: Revision) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(what as u32).to_le_bytes());
    out.extend_from_slice(&revision.to_le_bytes());
    let sum = crc32fast::hash(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

/// Checks a file's header.
///
/// # Errors
/// What is wrong with it.
pub fn check_header(bytes: &[u8], what: What, revision: Revision) -> Result<(), String> {
    if bytes.len() < HEADER {
        return Err("the header is cut off".into());
    }
    if bytes[..HEADER] == header(what, revision)[..] {
        return Ok(());
    }
    let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    if bytes.starts_with(MAGIC) && version > VERSION {
        return Err(format!("format version {version} is newer than this program's ({VERSION})"));
    }
    Err("the header is not that of such a file".into())
}

/// Whether a file has not even a whole header. A header of another version is whole.
pub fn is_torn_header(bytes: &[u8]) -> bool {
    match bytes.len() {
        HEADER => crc32fast::hash(&bytes[..HEADER - 4]).to_le_bytes() != bytes[HEADER - 4..],
        length => length < HEADER,
    }
}

/// A frame that is being written.
pub struct Frame(Vec<u8>);

impl Default for Frame {
    fn default() -> Self {
        Self(vec![0; FRAME])
    }
}

impl Frame {
    /// Adds a change.
    pub fn change(&mut self, revision: Revision, collection: &str, name: &str, object: Option<&Encoded>) {
        self.0.push(if object.is_some() { PUT } else { DELETE });
        self.0.extend_from_slice(&revision.to_le_bytes());
        for text in [collection, name] {
            // Names of objects have 253 bytes at most, and those of resources not many more.
            self.0.extend_from_slice(&(text.len() as u16).to_le_bytes());
            self.0.extend_from_slice(text.as_bytes());
        }
        if let Some(object) = object {
            self.0.extend_from_slice(&(object.kept().len() as u32).to_le_bytes());
            self.0.extend_from_slice(object.kept());
        }
    }

    /// Adds the end of a snapshot.
    pub fn end(&mut self, count: u64) {
        self.0.push(END);
        self.0.extend_from_slice(&count.to_le_bytes());
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// The bytes to write.
    pub fn finish(mut self) -> Vec<u8> {
        let records = &self.0[FRAME..];
        let (length, sum) = (records.len() as u32, crc32fast::hash(records));
        self.0[..4].copy_from_slice(&FRAME_MAGIC);
        self.0[4..8].copy_from_slice(&length.to_le_bytes());
        self.0[8..12].copy_from_slice(&sum.to_le_bytes());
        self.0
    }
}

/// The records' bytes of the frame that begins at an offset.
///
/// # Errors
/// What is wrong with it.
pub fn frame_at(file: &[u8], offset: usize) -> Result<&[u8], &'static str> {
    let rest = &file[offset..];
    let Some((head, records)) = rest.split_at_checked(FRAME) else { return Err("a frame is cut off") };
    if head[..4] != FRAME_MAGIC {
        return Err("there is no frame where one should begin");
    }
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
    let records = records.get(..length).ok_or("a frame is cut off")?;
    let sum = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    if crc32fast::hash(records) == sum { Ok(records) } else { Err("the checksum of a frame does not match") }
}

/// Where the next whole frame after an offset begins.
pub fn next_frame(file: &[u8], offset: usize) -> Option<usize> {
    let starts = file[offset..].windows(FRAME_MAGIC.len()).enumerate().skip(1);
    let mut candidates = starts.filter(|(_, window)| *window == FRAME_MAGIC).map(|(at, _)| offset + at);
    candidates.find(|at| frame_at(file, *at).is_ok())
}

/// Takes the next record off the front of a frame's records.
///
/// # Errors
/// What is wrong with it: the frame was whole, so it was written so.
pub fn next_record<'a>(records: &mut &'a [u8]) -> Result<Record<'a>, &'static str> {
    let kind = take(records, 1)?[0];
    let number = u64::from_le_bytes(take_array(records)?);
    if kind == END {
        return Ok(Record::End(number));
    }
    if kind != PUT && kind != DELETE {
        return Err("a record is of an unknown kind");
    }
    let collection = text(records)?;
    let name = text(records)?;
    let mut object = None;
    if kind == PUT {
        let length = u32::from_le_bytes(take_array(records)?);
        let bytes = Bytes::copy_from_slice(take(records, length as usize)?);
        object = Some(Encoded::from_kept(bytes).ok_or("a record's object has no metadata")?);
    }
    Ok(Record::Change { revision: number, collection, name, object })
}

fn text<'a>(records: &mut &'a [u8]) -> Result<&'a str, &'static str> {
    let length = u16::from_le_bytes(take_array(records)?);
    std::str::from_utf8(take(records, length as usize)?).map_err(|_| "a record's name is not UTF-8")
}

fn take_array<const N: usize>(records: &mut &[u8]) -> Result<[u8; N], &'static str> {
    take(records, N)?.try_into().map_err(|_| "a record is cut off")
}

fn take<'a>(records: &mut &'a [u8], length: usize) -> Result<&'a [u8], &'static str> {
    let (taken, rest) = records.split_at_checked(length).ok_or("a record is cut off")?;
    *records = rest;
    Ok(taken)
}
