//! Where policies come from.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::policy::error::PolicyError;
use crate::policy::rule::Rule;

/// Everything that a policy is made of.
#[derive(Clone, Debug, Default)]
pub struct PolicySources {
    /// The rules of the configuration.
    pub rules: Vec<Rule>,
    /// Files of Cedar.
    pub files: Vec<PolicyFile>,
    /// The namespaces and fields that there are.
    pub namespaces: BTreeMap<Namespace, BTreeMap<FieldName, FieldFacts>>,
}

/// What policies may know of a field.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FieldFacts {
    /// The name of its format.
    pub format: Option<String>,
}

/// A file of Cedar.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicyFile {
    /// Its name, without its directory.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl PolicyFile {
    /// Reads the files of a directory whose names end in `.cedar`, sorted by name.
    ///
    /// # Errors
    ///
    /// If the directory or one of the files cannot be read, there is none, or there is too much.
    pub fn read_all(directory: &Path) -> Result<Vec<Self>, PolicyError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| PolicyError::Read { path, source }
        };
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed(directory))? {
            let path = entry.map_err(failed(directory))?.path();
            if path.extension().is_some_and(|own| own == "cedar") {
                paths.push(path);
            }
            if paths.len() > FILES_MAX {
                return Err(PolicyError::TooMany {
                    what: "files of policies",
                    max: FILES_MAX,
                });
            }
        }
        if paths.is_empty() {
            return Err(PolicyError::Empty {
                path: directory.to_owned(),
            });
        }
        paths.sort();
        let read = |path: &PathBuf| {
            let size = fs::metadata(path).map_err(failed(path))?.len();
            if size > FILE_BYTES_MAX {
                return Err(PolicyError::TooMany {
                    what: "bytes of a file of policies",
                    max: usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX),
                });
            }
            let text = fs::read_to_string(path).map_err(failed(path))?;
            let name = path.file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            Ok(Self { name, text })
        };
        paths.iter().map(read).collect()
    }
}

/// Files in a directory of policies.
const FILES_MAX: usize = 100;
/// Bytes of a file of policies.
const FILE_BYTES_MAX: u64 = 1 << 20;
