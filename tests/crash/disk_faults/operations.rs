//! What strace saw of files and their names, in the order in which it came to pass.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use crate::testbed::Failure;

/// One thing that was done to a file or to a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Operation {
    Appended {
        path: PathBuf,
        bytes: u64,
    },
    Created(PathBuf),
    Removed(PathBuf),
    Renamed {
        from: PathBuf,
        to: PathBuf,
    },
    /// Written in its middle.
    Rewritten(PathBuf),
    /// A file or a directory; how long the file was when the sync began.
    Synced {
        path: PathBuf,
        began: u64,
    },
    Truncated {
        path: PathBuf,
        length: u64,
    },
}

impl Operation {
    pub(super) const CALLS: &str = "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,unlink";

    /// The file or directory it was done to, or the name.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Appended { path, .. }
            | Self::Created(path)
            | Self::Removed(path)
            | Self::Renamed { to: path, .. }
            | Self::Rewritten(path)
            | Self::Synced { path, .. }
            | Self::Truncated { path, .. } => path,
        }
    }

    /// Where a name is that was made, taken or changed.
    pub(super) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Created(path) | Self::Removed(path) | Self::Renamed { to: path, .. } => {
                path.parent()
            }
            Self::Appended { .. }
            | Self::Rewritten(_)
            | Self::Synced { .. }
            | Self::Truncated { .. } => None,
        }
    }
}

/// A call that has begun.
struct Begun {
    call: String,
    words: String,
    /// How long its file was.
    began: u64,
}

/// What a trace says.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Operations {
    pub(super) done: Vec<Operation>,
    /// What calls were to change that have begun and have no result: whether they did is not said.
    pub(super) unfinished: BTreeSet<PathBuf>,
}

/// Reads a trace of files that were so long before. What has begun and has no result is not done.
pub(super) fn read(
    trace: &str,
    mut lengths: BTreeMap<PathBuf, u64>,
) -> Result<Operations, Failure> {
    let mut operations = Vec::new();
    // By thread, what it is in the middle of.
    let mut begun: BTreeMap<&str, Begun> = BTreeMap::new();
    for line in trace.lines() {
        let (thread, words) = line.split_once(' ').ok_or("a line names its thread")?;
        let words = words.trim_start();
        if let Some((call, rest)) = words.split_once('(')
            && Operation::CALLS.split(',').any(|it| it == call)
        {
            let path = of_descriptor(rest).unwrap_or_default();
            let began = lengths.get(&path).copied().unwrap_or(0);
            let (call, words) = (call.to_owned(), rest.to_owned());
            begun.insert(thread, Begun { call, words, began });
        }
        // The result comes at the end of its line, or in a line of its own.
        let result = words.rsplit_once(" = ").map(|(_, it)| it);
        let number = |it: &str| it.split([' ', '<']).next()?.parse::<i64>().ok();
        let Some(result) = result.and_then(number) else {
            continue;
        };
        let Some(done) = begun.remove(thread).filter(|_| result >= 0) else {
            continue;
        };
        let Some(operation) = operation(&done, result.unsigned_abs()) else {
            continue;
        };
        follow(&operation, &mut lengths);
        operations.push(operation);
    }
    let mut unfinished = BTreeSet::new();
    for Begun { call, words, .. } in begun.values() {
        // A sync changes nothing of a file.
        if !SYNCS.contains(&call.as_str()) {
            unfinished.extend(quoted(words).chain(of_descriptor(words)));
        }
    }
    Ok(Operations {
        done: operations,
        unfinished,
    })
}

/// How long files are, as far as they were written since the trace began.
fn follow(operation: &Operation, lengths: &mut BTreeMap<PathBuf, u64>) {
    match operation {
        Operation::Appended { path, bytes } => *lengths.entry(path.clone()).or_default() += bytes,
        Operation::Created(path) => {
            lengths.entry(path.clone()).or_default();
        }
        Operation::Truncated { path, length } => {
            lengths.insert(path.clone(), *length);
        }
        Operation::Renamed { from, to } => {
            let length = lengths.remove(from).unwrap_or(0);
            lengths.insert(to.clone(), length);
        }
        Operation::Removed(path) => {
            lengths.remove(path);
        }
        Operation::Rewritten(_) | Operation::Synced { .. } => {}
    }
}

fn operation(done: &Begun, result: u64) -> Option<Operation> {
    let Begun { call, words, began } = done;
    let mut quoted = quoted(words);
    let operation = match call.as_str() {
        "openat" if words.contains("O_CREAT") => Operation::Created(quoted.next()?),
        "rename" => Operation::Renamed {
            from: quoted.next()?,
            to: quoted.next()?,
        },
        "unlink" => Operation::Removed(quoted.next()?),
        "write" => Operation::Appended {
            path: of_descriptor(words)?,
            bytes: result,
        },
        "pwrite64" => Operation::Rewritten(of_descriptor(words)?),
        "fsync" | "fdatasync" => Operation::Synced {
            path: of_descriptor(words)?,
            began: *began,
        },
        "ftruncate" => Operation::Truncated {
            path: of_descriptor(words)?,
            length: words.split(", ").nth(1)?.split(')').next()?.parse().ok()?,
        },
        _ => return None,
    };
    Some(operation)
}

/// The paths that a call names by themselves.
fn quoted(words: &str) -> impl Iterator<Item = PathBuf> {
    // Bytes that are written are left out, and stand there as nothing.
    let quoted = words.split('"').skip(1).step_by(2);
    quoted.filter(|it| !it.is_empty()).map(PathBuf::from)
}

/// The path of the first file that a call has open.
fn of_descriptor(words: &str) -> Option<PathBuf> {
    let (_, rest) = words.split_once("</")?;
    Some(Path::new("/").join(rest.split_once('>')?.0))
}

const SYNCS: [&str; 2] = ["fsync", "fdatasync"];

#[test]
fn trace_is_read_in_its_order() {
    let trace = "7 openat(AT_FDCWD</x>, \"/d/1.sst\", O_RDWR|O_CREAT|O_TRUNC, 0644) = 9</d/1.sst>\n\
                 7 write(9</d/1.sst>, \"\"..., 40) = 40\n\
                 7 fdatasync(9</d/1.sst> <unfinished ...>\n\
                 8 write(9</d/1.sst>, \"\"..., 2) = 2\n\
                 7 <... fdatasync resumed>) = 0\n\
                 8 fsync(9</d/1.sst>) = -1 EIO (Input/output error) (INJECTED)\n\
                 7 rename(\"/d/2.tmp\", \"/d/CURRENT\") = 0\n\
                 8 write(9</d/3.log>, \"\"..., 30 <unfinished ...>\n\
                 9 fdatasync(8</d/4.log> <unfinished ...>\n\
                 7 unlink(\"/d/0.log\" <unfinished ...>\n\
                 7 +++ killed by SIGKILL +++\n";
    let path = |name: &str| PathBuf::from(name);
    let appended = |bytes| Operation::Appended {
        path: path("/d/1.sst"),
        bytes,
    };
    let expected = [
        Operation::Created(path("/d/1.sst")),
        appended(40),
        appended(2),
        Operation::Synced {
            path: path("/d/1.sst"),
            began: 40,
        },
        Operation::Renamed {
            from: path("/d/2.tmp"),
            to: path("/d/CURRENT"),
        },
    ];
    let read = read(trace, BTreeMap::new()).unwrap();
    assert_eq!(read.done, expected);
    let unfinished = BTreeSet::from([path("/d/0.log"), path("/d/3.log")]);
    assert_eq!(read.unfinished, unfinished);
}
