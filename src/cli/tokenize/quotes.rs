//! A watch on the quotes of a CSV file: a quote that is never closed takes all that follows it into
//! one cell, which the reader calls a row like any other.

use std::io;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

/// Reads on, and notices whether the input ended within quotes (RFC 4180, section 2).
pub(super) struct QuoteWatch<R> {
    reader: R,
    place: Place,
    ended_open: Arc<AtomicBool>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// Where a cell begins.
    CellStart,
    /// Within quotes.
    Quoted,
    /// After a quote within quotes: the end of them, or the first of two.
    QuoteInQuoted,
    /// In a cell without quotes, where a quote is a character like any other.
    Unquoted,
}

impl<R: Read> QuoteWatch<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            place: Place::CellStart,
            ended_open: Arc::default(),
        }
    }

    /// Becomes true once the input has ended within quotes.
    pub(super) fn ended_open(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ended_open)
    }
}

impl<R: Read> Read for QuoteWatch<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if count == 0 && !buffer.is_empty() && self.place == Place::Quoted {
            self.ended_open.store(true, Ordering::Release);
        }
        for byte in buffer.iter().take(count) {
            self.place = match (self.place, byte) {
                (Place::CellStart | Place::QuoteInQuoted, b'"') => Place::Quoted,
                (Place::Quoted, b'"') => Place::QuoteInQuoted,
                (Place::Quoted, _) => Place::Quoted,
                (_, b',' | b'\n' | b'\r') => Place::CellStart,
                (_, _) => Place::Unquoted,
            };
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quote_that_is_never_closed_is_noticed() {
        for (text, expected) in [
            ("a,b\n\"c\nd\n", true),
            ("a\n\"b \"\"c\"\"\n", true),
            ("a,b\n\"c\nd\",e\n", false),
            ("a\n\"b \"\"c\"\"\"\n", false),
            ("pipe of 5\"\nx\n", false),
            ("", false),
        ] {
            let mut watch = QuoteWatch::new(text.as_bytes());
            let ended_open = watch.ended_open();
            io::copy(&mut watch, &mut io::sink()).unwrap();
            assert_eq!(ended_open.load(Ordering::Acquire), expected, "{text}");
        }
    }
}
