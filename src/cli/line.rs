//! Reading values, a line each.

use std::io;
use std::io::BufRead;
use std::io::Read;

use thiserror::Error;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::cli::escape::EscapeError;
use crate::cli::escape::unescape;

/// A line of the input and the value that it stands for.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its value, or why it has none.
    pub(super) value: Result<Zeroizing<String>, LineError>,
}

/// Why a line stands for no value. It never repeats the line.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(super) enum LineError {
    /// It has an escape that does not exist.
    #[error(transparent)]
    Escape(#[from] EscapeError),
    /// It is longer than a line may be.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// It is not text.
    #[error("the line is not UTF-8")]
    Utf8,
}

/// Reads lines until the input ends, or nobody wants them any more.
///
/// # Errors
///
/// If the input cannot be read.
pub(super) fn read_lines(mut input: impl BufRead, lines: &mpsc::Sender<Line>) -> io::Result<()> {
    for number in 1.. {
        let Some(value) = read_line(&mut input)? else {
            break;
        };
        if lines.blocking_send(Line { number, value }).is_err() {
            break;
        }
    }
    Ok(())
}

/// Reads one line of bounded length; of a longer one the rest is skipped, so that the next line is
/// the next line. Nothing after the last.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<Result<Zeroizing<String>, LineError>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LINE_BYTES_EXPECTED));
    let limit = u64::try_from(LINE_BYTES_MAX + 1).unwrap_or(u64::MAX);
    if input.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    } else if bytes.len() > LINE_BYTES_MAX {
        input.skip_until(b'\n')?;
        return Ok(Some(Err(LineError::TooLong)));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    let text = str::from_utf8(&bytes).map_err(|_| LineError::Utf8);
    Ok(Some(text.and_then(|text| Ok(unescape(text)?))))
}

/// The longest text that a command takes, 10,000 characters of four bytes, with its escapes.
pub(super) const LINE_BYTES_MAX: usize = 64 << 10;

/// Most lines fit without growing, which would leave copies behind.
const LINE_BYTES_EXPECTED: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(input: &[u8]) -> Vec<Result<String, LineError>> {
        let (sender, mut receiver) = mpsc::channel(16);
        read_lines(input, &sender).unwrap();
        drop(sender);
        let mut lines = Vec::new();
        while let Some(line) = receiver.blocking_recv() {
            assert_eq!(line.number, lines.len() as u64 + 1);
            lines.push(line.value.map(|value| value.to_string()));
        }
        lines
    }

    #[test]
    fn each_line_is_a_value() {
        assert_eq!(lines_of(b""), []);
        let expected = ["Ada", "", "1 Main St\nParis", "Bob"].map(|text| Ok(text.to_owned()));
        assert_eq!(lines_of(b"Ada\n\n1 Main St\\nParis\r\nBob"), expected);
    }

    #[test]
    fn bad_line_does_not_shift_the_next() {
        let long = vec![b'a'; LINE_BYTES_MAX + 1];
        let input = [b"\xff\n", long.as_slice(), b"\nAda\n\\q\n", &long].concat();
        let escape = LineError::Escape(EscapeError::Unknown { position: 0 });
        let expected = [
            Err(LineError::Utf8),
            Err(LineError::TooLong),
            Ok("Ada".to_owned()),
            Err(escape),
            Err(LineError::TooLong),
        ];
        assert_eq!(lines_of(&input), expected);
    }

    #[test]
    fn longest_line_is_taken() {
        let longest = [vec![b'a'; LINE_BYTES_MAX], b"\nb".to_vec()].concat();
        let lines = lines_of(&longest);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(Result::is_ok));
    }
}
