//! Entries as messages of syslog (RFC 5424), for collectors.
//!
//! The header says when the entry was sequenced, how much it asks for a look, and what was done.
//! The message is what an export has of the entry, as JSON without a byte order mark: an event of
//! OCSF, or the export's own line. There is no structured data: it would say the same once more.

use serde_json::json;

use crate::audit::Entry;
use crate::audit::PageEntry;
use crate::audit::export;
use crate::audit::ocsf;
use crate::audit::tree::entry_leaf_hash;
use crate::domain::DateTime;
use crate::outbound::syslog::SyslogMessage;
use crate::store::SALT_BYTES;
use crate::store::StoredEntry;

/// What is written of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EntryFormat {
    /// The line of an export, with the leaf.
    Line,
    /// An event of OCSF.
    Ocsf,
}

/// Makes messages of entries.
#[derive(Clone, Debug)]
pub struct SyslogForm {
    format: EntryFormat,
    host: String,
    process_id: u32,
}

impl EntryFormat {
    /// An entry as a line of JSON without its end; nothing if it does not decode. `origin` is the
    /// name of the log.
    #[must_use]
    pub fn line(self, stored: &StoredEntry, origin: &str) -> Option<String> {
        match self {
            Self::Line => {
                let entry = Entry::decode(&stored.entry).ok()?;
                export::line(&entry, stored).ok()
            }
            Self::Ocsf => ocsf::line(stored, origin),
        }
    }
}

impl PageEntry {
    /// The entry as the store has it; nothing if the leaf is shorter than its salt.
    #[must_use]
    pub fn stored(&self) -> Option<StoredEntry> {
        let (salt, entry) = self.leaf.split_first_chunk::<SALT_BYTES>()?;
        Some(StoredEntry {
            index: self.index,
            salt: *salt,
            entry: entry.to_vec(),
        })
    }
}

impl SyslogForm {
    /// Messages of this machine and process. A name that a header cannot have is left out.
    #[must_use]
    pub fn new(format: EntryFormat, host: &str, process_id: u32) -> Self {
        let is_name = !host.is_empty()
            && host.len() <= HOST_BYTES_MAX
            && host.bytes().all(|byte| byte.is_ascii_graphic());
        Self {
            format,
            host: if is_name { host } else { NIL }.to_owned(),
            process_id,
        }
    }

    /// The message of an entry; nothing if it does not decode.
    #[must_use]
    pub fn message(&self, stored: &StoredEntry, origin: &str) -> Option<SyslogMessage> {
        let entry = Entry::decode(&stored.entry).ok()?;
        let text = self.format.line(stored, origin)?;
        let header = self.header(&entry);
        let bytes = format!("{header} {text}").into_bytes();
        let note = json!({
            "log": origin,
            "index": stored.index,
            "event": entry.draft.event.name(),
            "leaf_hash": hex::encode(entry_leaf_hash(stored).as_bytes()),
            "too_long_bytes": bytes.len(),
        });
        Some(SyslogMessage {
            index: stored.index,
            bytes,
            note: format!("{header} {note}").into_bytes(),
        })
    }

    /// The header and, for the structured data, that there is none: RFC 5424, section 6.
    fn header(&self, entry: &Entry) -> String {
        let priority = FACILITY_AUDIT * 8 + severity(entry);
        let time = DateTime(entry.time).to_string();
        let seconds = time.strip_suffix('Z').unwrap_or(NIL);
        let millisecond = entry.time.unix_ms() % 1_000;
        let (host, process_id) = (&self.host, self.process_id);
        let name = entry.draft.event.name();
        let time = format!("{seconds}.{millisecond:03}Z");
        format!("<{priority}>1 {time} {host} {APPLICATION} {process_id} {name} {NIL}")
    }
}

/// The severity of RFC 5424, section 6.2.1, by that of OCSF.
fn severity(entry: &Entry) -> u32 {
    match ocsf::severity(entry).0 {
        // Critical, high, medium, low; and informational.
        5 => 2,
        4 => 3,
        3 => 4,
        2 => 5,
        _ => 6,
    }
}

/// Log audit: RFC 5424, section 6.2.1.
const FACILITY_AUDIT: u32 = 13;
const APPLICATION: &str = "counterfoil";
const HOST_BYTES_MAX: usize = 255;
const NIL: &str = "-";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Decision;
    use crate::audit::EntryDraft;
    use crate::audit::Event;
    use crate::domain::Timestamp;

    fn stored(draft: EntryDraft) -> StoredEntry {
        let entry = Entry {
            index: 7,
            time: Timestamp::from_unix_ms(1_796_000_000_042),
            uptime_ms: 1,
            draft,
        };
        StoredEntry {
            index: 7,
            salt: [1; SALT_BYTES],
            entry: entry.encode(),
        }
    }

    fn text(host: &str, draft: EntryDraft) -> String {
        let form = SyslogForm::new(EntryFormat::Ocsf, host, 42);
        let message = form.message(&stored(draft), "shop.example/log").unwrap();
        String::from_utf8(message.bytes).unwrap()
    }

    #[test]
    fn header_is_that_of_rfc_5424() {
        let text = text("vault1", EntryDraft::new(Event::Started));
        let header =
            "<110>1 2026-11-30T00:53:20.042Z vault1 counterfoil 42 started - {\"class_uid\"";
        assert!(text.starts_with(header), "{text}");
    }

    #[test]
    fn severity_is_that_of_the_event() {
        let denied = EntryDraft {
            decision: Some(Decision::Deny),
            ..EntryDraft::new(Event::Detokenize)
        };
        for (draft, priority) in [
            (EntryDraft::new(Event::RollbackAccepted), 13 * 8 + 2),
            (EntryDraft::new(Event::Frozen), 13 * 8 + 3),
            (denied, 13 * 8 + 4),
            (EntryDraft::new(Event::Tokenize), 13 * 8 + 6),
        ] {
            let text = text("vault1", draft);
            assert!(text.starts_with(&format!("<{priority}>1 ")), "{text}");
        }
    }

    #[test]
    fn host_that_a_header_cannot_have_is_left_out() {
        for host in ["", "two words", "vault\n", "välue", &"a".repeat(256)] {
            let text = text(host, EntryDraft::new(Event::Started));
            assert!(text.contains("Z - counterfoil 42 started - {"), "{text}");
        }
    }

    #[test]
    fn every_event_has_a_name_that_a_header_can_have() {
        for event in Event::ALL {
            let name = event.name();
            assert!(name.len() <= 32 && name.bytes().all(|it| it.is_ascii_graphic()));
        }
    }
}
