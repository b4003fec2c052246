//! A vault whose process stands still, so that its files are read while none of them changes.

use std::fs;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;

use crate::server::Server;
use crate::testbed::Failure;

/// A vault that goes on where it was when this is dropped.
pub(super) struct Held(Pid);

impl Held {
    /// Stops a vault where it is.
    pub(super) fn hold(server: &Server) -> Result<Self, Failure> {
        let id = i32::try_from(server.process())?;
        let held = Self(Pid::from_raw(id).ok_or("a process has an id")?);
        rustix::process::kill_process(held.0, Signal::STOP)?;
        // A thread that is within a call of the system stops at its end.
        for _ in 0..LOOKS_MAX {
            if held.is_still()? {
                return Ok(held);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Err("the vault does not stop where it is".into())
    }

    /// Whether each of its threads stands still.
    fn is_still(&self) -> Result<bool, Failure> {
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.as_raw_nonzero()))? {
            let Ok(words) = fs::read_to_string(thread?.path().join("stat")) else {
                // It has ended.
                continue;
            };
            // Its name, in parentheses, may have any character.
            let state = words
                .rsplit_once(") ")
                .and_then(|(_, it)| it.chars().next());
            if state != Some('T') {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _gone = rustix::process::kill_process(self.0, Signal::CONT);
    }
}

const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How often it is looked whether all threads stand still.
const LOOKS_MAX: u32 = 2_000;
