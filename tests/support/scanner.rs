//! Finds texts in bytes, however they were encoded on the way there.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Looks for texts in every encoding at once.
pub(crate) struct Scanner {
    /// By their first bytes, so that a place in a file is one look-up.
    patterns: HashMap<[u8; PREFIX_BYTES], Vec<Pattern>>,
    /// The pairs of bytes that patterns begin with: at most places there is none of them.
    pairs: Vec<bool>,
}

struct Pattern {
    text: String,
    encoding: &'static str,
    bytes: Vec<u8>,
}

/// What was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Hit {
    pub(crate) text: String,
    pub(crate) encoding: &'static str,
    pub(crate) position: usize,
}

impl Scanner {
    /// Looks for these texts, which must be long enough not to be anywhere by chance.
    pub(crate) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut patterns: HashMap<_, Vec<Pattern>> = HashMap::new();
        let mut pairs = vec![false; 1 << 16];
        for text in texts {
            assert!(
                text.len() >= TEXT_BYTES_MIN,
                "{text} may be anywhere by chance"
            );
            for (encoding, bytes) in encodings(text) {
                let prefix: [u8; PREFIX_BYTES] = *bytes.first_chunk().unwrap();
                pairs[pair(&prefix)] = true;
                let text = text.to_owned();
                let pattern = Pattern {
                    text,
                    encoding,
                    bytes,
                };
                patterns.entry(prefix).or_default().push(pattern);
            }
        }
        Self { patterns, pairs }
    }

    /// The first of the texts, if one is there.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<Hit> {
        bytes
            .windows(PREFIX_BYTES)
            .enumerate()
            .find_map(|(position, window)| {
                if !self.pairs[pair(window)] {
                    return None;
                }
                let patterns = self.patterns.get(window)?;
                let rest = &bytes[position..];
                let found = patterns
                    .iter()
                    .find(|pattern| rest.starts_with(&pattern.bytes))?;
                Some(Hit {
                    text: found.text.clone(),
                    encoding: found.encoding,
                    position,
                })
            })
    }
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

fn encodings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect();
    let mut encodings = vec![
        ("raw", bytes.to_vec()),
        ("lower case", text.to_lowercase().into_bytes()),
        ("hex", hex::encode(bytes).into_bytes()),
        ("HEX", hex::encode_upper(bytes).into_bytes()),
        ("UTF-16 LE", utf16(u16::to_le_bytes)),
        ("UTF-16 BE", utf16(u16::to_be_bytes)),
        ("percent", percent(bytes, false)),
        (
            "percent, lower case",
            percent(bytes, false).to_ascii_lowercase(),
        ),
        ("form", percent(bytes, true)),
        (
            "bytes as a list",
            format!("{bytes:?}").trim_matches(['[', ']']).into(),
        ),
        ("escaped", text.escape_default().to_string().into_bytes()),
    ];
    for shift in 0..3 {
        encodings.push(("base64", base64_inside(&STANDARD_NO_PAD, bytes, shift)));
        encodings.push(("base64url", base64_inside(&URL_SAFE_NO_PAD, bytes, shift)));
    }
    encodings
}

fn percent(bytes: &[u8], is_form: bool) -> Vec<u8> {
    let mut encoded = Vec::new();
    for byte in bytes {
        match byte {
            b' ' if is_form => encoded.push(b'+'),
            b'-' | b'.' | b'_' | b'~' => encoded.push(*byte),
            byte if byte.is_ascii_alphanumeric() => encoded.push(*byte),
            byte => encoded.extend(format!("%{byte:02X}").bytes()),
        }
    }
    encoded
}

/// The characters that depend on these bytes alone, when so many others stand before them.
fn base64_inside(engine: &impl Engine, bytes: &[u8], shift: usize) -> Vec<u8> {
    let shifted = [&vec![0; shift][..], bytes].concat();
    let encoded = engine.encode(&shifted).into_bytes();
    encoded[(shift * 8).div_ceil(6)..shifted.len() * 8 / 6].to_vec()
}

const PREFIX_BYTES: usize = 4;
const TEXT_BYTES_MIN: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Ada Löve~lace";

    #[test]
    fn every_encoding_is_found_at_every_place() {
        let scanner = Scanner::new(["Somebody Else", TEXT]);
        for before in 0..9 {
            let plain = [&vec![b'x'; before][..], TEXT.as_bytes(), b"xyz"].concat();
            let text = format!("{}{TEXT}xyz", "x".repeat(before));
            let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect();
            for bytes in [
                plain.clone(),
                text.to_lowercase().into_bytes(),
                hex::encode(&plain).into_bytes(),
                hex::encode_upper(&plain).into_bytes(),
                STANDARD_NO_PAD.encode(&plain).into_bytes(),
                URL_SAFE_NO_PAD.encode(&plain).into_bytes(),
                utf16(u16::to_le_bytes),
                utf16(u16::to_be_bytes),
                percent(&plain, false),
                percent(&plain, true),
                format!("{plain:?}").into_bytes(),
                format!("{text:?}").into_bytes(),
            ] {
                assert_eq!(scanner.find(&bytes).unwrap().text, TEXT);
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let scanner = Scanner::new([TEXT]);
        let part = TEXT.strip_suffix('e').unwrap();
        for bytes in [b"".as_slice(), b"Ada", part.as_bytes(), &vec![0; 100_000]] {
            assert_eq!(scanner.find(bytes), None);
        }
        assert_eq!(scanner.find(hex::encode(part).as_bytes()), None);
    }
}
