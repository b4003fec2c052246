//! Keeps the process's memory to itself, as far as a process can.
//!
//! Called once, at start, before a key is opened.

use std::io;

use rustix::process::DumpableBehavior;
use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::set_dumpable_behavior;
use rustix::process::setrlimit;

/// Turns core dumps off, which would hold every key, and forbids other processes of the same user
/// to attach to this one or to read its memory. Root can do so still.
///
/// # Errors
///
/// If the system refuses. Whoever starts a vault then refuses to go on.
pub fn protect_process_memory() -> io::Result<()> {
    // Both limits, so that the process cannot raise its own again unless it is root.
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )?;
    // A core that is piped to a program ignores the limit; one of a process that is not dumpable
    // is never made.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::process::dumpable_behavior;
    use rustix::process::getrlimit;

    use super::*;

    /// In a process of its own, since it cannot be undone.
    #[test]
    fn process_leaves_no_core() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "keys::hardening::tests::child_leaves_no_core",
            ])
            .output()
            .unwrap();
        assert!(child.status.success(), "{child:?}");
        let output = String::from_utf8(child.stdout).unwrap();
        assert!(output.contains("1 passed"), "{output}");
    }

    #[test]
    #[ignore = "run by process_leaves_no_core"]
    fn child_leaves_no_core() {
        protect_process_memory().unwrap();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
