//! The operator's own services that the vault calls: `[pager]` and `[cases]`.

use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::cases::CaseSettings;
use crate::config::error::ConfigError;
use crate::outbound::ServiceUrl;
use crate::pager::PagerSettings;

/// `[pager]`: whom to page when something is frozen or a grant wants an approval. Read at start.
///
/// - `url`: what is posted to; https, or http on a loopback address. Required.
/// - `secret_file`: the secret that signs each page, at least 16 characters. Required.
/// - `ca_file`: the authorities, PEM, of the service's certificate. Default: the machine's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPager {
    url: String,
    secret_file: PathBuf,
    ca_file: Option<PathBuf>,
}

/// `[cases]`: who says whether a case is open, whose it is, and whom it is about. Read at start.
///
/// - `url`: what is asked; https, or http on a loopback address. Required.
/// - `ca_file`: the authorities, PEM, of the service's certificate. Default: the machine's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCases {
    url: String,
    ca_file: Option<PathBuf>,
}

impl RawPager {
    pub(super) fn check(self, base_dir: &Path) -> Result<PagerSettings, ConfigError> {
        Ok(PagerSettings {
            url: url("pager.url", &self.url)?,
            ca_file: self.ca_file.map(|file| base_dir.join(file)),
            secret_file: base_dir.join(self.secret_file),
        })
    }
}

impl RawCases {
    pub(super) fn check(self, base_dir: &Path) -> Result<CaseSettings, ConfigError> {
        Ok(CaseSettings {
            url: url("cases.url", &self.url)?,
            ca_file: self.ca_file.map(|file| base_dir.join(file)),
        })
    }
}

fn url(key: &str, text: &str) -> Result<ServiceUrl, ConfigError> {
    ServiceUrl::new(text).map_err(|error| {
        let remedy = "write it like \"https://pager.example/counterfoil\"";
        ConfigError::value(key, error, remedy)
    })
}
