//! Delivery at least once: what was not confirmed is sent again.

use std::fmt;
use std::time::Duration;

use crate::outbound::syslog::Syslog;
use crate::outbound::syslog::SyslogError;

/// A message, in the form of RFC 5424.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SyslogMessage {
    /// The place of what it says in the log, from 0.
    pub index: u64,
    /// The message.
    pub bytes: Vec<u8>,
    /// What is sent in its place where a datagram has no room for it: that there was one.
    pub note: Vec<u8>,
}

/// What happens when the collector cannot be reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Patience {
    /// The delivery fails.
    None,
    /// It is tried again for as long as it takes, first after this time, then at growing
    /// intervals.
    Endless(Duration),
}

/// Sends messages, and remembers those that may not have arrived.
pub struct SyslogDelivery {
    syslog: Syslog,
    patience: Patience,
    tell: fn(&str),
    unconfirmed: Vec<SyslogMessage>,
    unconfirmed_bytes: usize,
    too_long_count: u64,
}

impl SyslogDelivery {
    /// Sends to a collector, and tells what goes wrong on the way in words for its operator.
    #[must_use]
    pub fn new(syslog: Syslog, patience: Patience, tell: fn(&str)) -> Self {
        Self {
            syslog,
            patience,
            tell,
            unconfirmed: Vec::new(),
            unconfirmed_bytes: 0,
            too_long_count: 0,
        }
    }

    /// Sends messages. Whether they have arrived, [`Self::confirm`] says.
    ///
    /// # Errors
    ///
    /// If the collector cannot be reached, without patience.
    pub async fn deliver(&mut self, messages: Vec<SyslogMessage>) -> Result<(), SyslogError> {
        let sent_count = self.unconfirmed.len();
        for message in messages {
            self.unconfirmed_bytes += message.bytes.len();
            self.unconfirmed.push(message);
        }
        match self.send_from(sent_count).await {
            Ok(()) => Ok(()),
            Err(error) => self.send_again(error).await,
        }
    }

    /// Makes sure that everything has arrived, as far as that can be known.
    ///
    /// # Errors
    ///
    /// If it is not known to have, without patience.
    pub async fn confirm(&mut self) -> Result<(), SyslogError> {
        while let Err(error) = self.syslog.confirm().await {
            self.send_again(error).await?;
        }
        self.unconfirmed.clear();
        self.unconfirmed_bytes = 0;
        Ok(())
    }

    /// Whether so much is unconfirmed that it is time to confirm.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.unconfirmed.len() >= UNCONFIRMED_MAX || self.unconfirmed_bytes >= UNCONFIRMED_BYTES_MAX
    }

    /// Whether everything is confirmed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.unconfirmed.is_empty()
    }

    /// The index of the first message that may not have arrived.
    #[must_use]
    pub fn first_unconfirmed(&self) -> Option<u64> {
        self.unconfirmed.first().map(|message| message.index)
    }

    /// How many messages had no room in a datagram.
    #[must_use]
    pub fn too_long_count(&self) -> u64 {
        self.too_long_count
    }

    /// Sends everything that is unconfirmed over another connection, until that works.
    async fn send_again(&mut self, error: SyslogError) -> Result<(), SyslogError> {
        let mut error = error;
        let Patience::Endless(mut pause) = self.patience else {
            return Err(error);
        };
        loop {
            let target = self.syslog.target();
            (self.tell)(&format!("{target}: {error}; trying again"));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
            match self.send_from(0).await {
                Ok(()) => return Ok(()),
                Err(again) => error = again,
            }
        }
    }

    async fn send_from(&mut self, position: usize) -> Result<(), SyslogError> {
        let Self {
            syslog,
            unconfirmed,
            ..
        } = self;
        for message in unconfirmed.iter().skip(position) {
            match syslog.send(&message.bytes).await {
                Ok(()) => {}
                Err(SyslogError::TooLong) => {
                    let (index, bytes) = (message.index, message.bytes.len());
                    (self.tell)(&format!(
                        "entry {index} has {bytes} bytes, which is more than a datagram may have: \
                         a note was sent in its place\n  use tcp: or tls:"
                    ));
                    self.too_long_count += 1;
                    syslog.send(&message.note).await?;
                }
                Err(error) => return Err(error),
            }
        }
        syslog.flush().await
    }
}

impl fmt::Debug for SyslogDelivery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SyslogDelivery")
            .field("syslog", &self.syslog)
            .finish_non_exhaustive()
    }
}

/// Messages, and bytes of them, that are sent again at the most.
const UNCONFIRMED_MAX: usize = 1_000;
const UNCONFIRMED_BYTES_MAX: usize = 4 << 20;
const PAUSE_MAX: Duration = Duration::from_secs(60);
