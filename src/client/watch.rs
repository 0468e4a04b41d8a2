//! The events of a watch: JSON objects one after the other, as they come in (API conventions, "Efficient detection of
//! changes").

use super::Error;
use crate::api::Value;
use bytes::Bytes;
use serde::Deserialize;

/// How long one event may be. A server that sends more in one piece is not to be believed.
const LIMIT: usize = 64 << 20;

/// One event.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Event {
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The object after the change; with `ERROR`, a `Status`.
    pub object: Value,
}

/// Puts events together from pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    buffer: Vec<u8>,
    /// Where in the buffer no end of a line has been seen yet.
    searched: usize,
    /// Where the first event that was not taken yet begins.
    start: usize,
}

impl Decoder {
    /// Takes a piece.
    ///
    /// # Errors
    /// When an event is longer than can be true.
    pub(super) fn push(&mut self, piece: &Bytes) -> Result<(), Error> {
        if self.buffer.len() - self.start + piece.len() > LIMIT {
            return Err(Error::Message(
                "unable to decode an event from the watch stream: the event is too long".into(),
            ));
        }
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.buffer.extend_from_slice(piece);
        Ok(())
    }

    /// The next whole event; none when more is needed.
    ///
    /// # Errors
    /// When the text is no event.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Error> {
        while let Some(length) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
            let end = self.searched + length;
            let line = &self.buffer[self.start..end];
            let event = if line.trim_ascii().is_empty() { None } else { Some(decode(line)) };
            self.start = end + 1;
            self.searched = self.start;
            if let Some(event) = event {
                return event.map(Some);
            }
        }
        self.searched = self.buffer.len();
        Ok(None)
    }

    /// What is left when the stream has ended: an event without the end of its line, or nothing. Half an event is none.
    pub(super) fn finish(&mut self) -> Option<Event> {
        let rest = decode(&self.buffer[self.start..]).ok();
        self.start = self.buffer.len();
        self.searched = self.start;
        rest
    }
}

fn decode(line: &[u8]) -> Result<Event, Error> {
    serde_json::from_slice(line).map_err(|error| {
        Error::Message(format!("unable to decode an event from the watch stream: {}", super::json_fault(&error, line)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decode_all(pieces: &[&[u8]]) -> Result<Vec<String>, Error> {
        let mut decoder = Decoder::default();
        let mut kinds = Vec::new();
        for piece in pieces {
            decoder.push(&Bytes::copy_from_slice(piece))?;
            while let Some(event) = decoder.next()? {
                kinds.push(format!("{} {}", event.kind, event.object));
            }
        }
        kinds.extend(decoder.finish().map(|event| format!("last {}", event.kind)));
        Ok(kinds)
    }

    #[test]
    fn events_come_out_however_they_are_cut() {
        let text =
            "{\"type\":\"ADDED\",\"object\":{\"a\":1}}\n\r\n{\"type\":\"BOOKMARK\",\"object\":{\"t\":\"\u{e4}\\n\"}}\n";
        let wanted = [format!("ADDED {}", json!({"a": 1})), format!("BOOKMARK {}", json!({"t": "\u{e4}\n"}))];
        for size in 1..=text.len() {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            assert_eq!(decode_all(&pieces).unwrap(), wanted, "{size}");
        }
    }

    #[test]
    fn an_end_in_the_middle_is_seen() {
        let whole: &[u8] = b"{\"type\":\"ADDED\",\"object\":1}";
        assert_eq!(decode_all(&[whole]).unwrap(), ["last ADDED"]);
        assert_eq!(decode_all(&[&whole[..10]]).unwrap(), Vec::<String>::new());
        assert!(decode_all(&[b"nonsense\n"]).is_err());
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut decoder = Decoder::default();
        let piece = Bytes::from(vec![b' '; LIMIT / 2]);
        decoder.push(&piece).unwrap();
        decoder.push(&piece).unwrap();
        assert_eq!(decoder.next(), Ok(None));
        assert!(decoder.push(&piece).is_err());
    }
}
