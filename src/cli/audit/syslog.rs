//! Where a collector of syslog is, and what it is sent.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;

use crate::audit::EntryFormat;
use crate::audit::SyslogForm;
use crate::cli::error::CliError;
use crate::cli::error::say;
use crate::outbound::syslog::Patience;
use crate::outbound::syslog::Syslog;
use crate::outbound::syslog::SyslogDelivery;
use crate::outbound::syslog::SyslogError;
use crate::outbound::syslog::SyslogTarget;
use crate::outbound::syslog::SyslogTls;

/// A collector of syslog.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Syslog")]
pub(super) struct SyslogArgs {
    /// Send entries to a collector instead (RFC 5424): unix:/dev/log, udp:host:port,
    /// tcp:host:port or tls:host:port
    #[arg(long, value_name = "ADDRESS")]
    syslog: Option<SyslogTarget>,

    /// For tls: the authorities, PEM, that the collector's certificate must be signed by
    #[arg(long, value_name = "FILE", requires = "syslog")]
    syslog_ca: Option<PathBuf>,

    /// For tls: your certificate, PEM, if the collector asks for one
    #[arg(
        long,
        value_name = "FILE",
        requires = "syslog",
        requires = "syslog_key"
    )]
    syslog_cert: Option<PathBuf>,

    /// For tls: the private key of your certificate, PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "syslog",
        requires = "syslog_cert"
    )]
    syslog_key: Option<PathBuf>,

    /// For tls: believe a collector that ends the connection without close_notify, as rsyslog's
    /// driver gtls does. Whoever is on the way can then end it in its name, unread
    #[arg(long, requires = "syslog")]
    syslog_unsigned_end: bool,
}

/// How entries are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum FormatArg {
    /// With their leaves, as lines that can be verified
    Jsonl,
    /// As events of OCSF 1.7.0, for what collects those: cannot be verified
    Ocsf,
}

/// A collector, and how messages to it are made.
pub(super) struct Collector {
    pub(super) target: SyslogTarget,
    pub(super) delivery: SyslogDelivery,
    pub(super) form: SyslogForm,
}

impl FormatArg {
    pub(super) const fn format(self) -> EntryFormat {
        match self {
            Self::Jsonl => EntryFormat::Line,
            Self::Ocsf => EntryFormat::Ocsf,
        }
    }
}

impl SyslogArgs {
    /// The collector, if one is named. It is sent events of OCSF unless another format is asked
    /// for.
    pub(super) fn collector(
        &self,
        format: Option<FormatArg>,
        patience: Patience,
    ) -> Result<Option<Collector>, CliError> {
        let Some(target) = self.syslog.clone() else {
            return Ok(None);
        };
        let tls = match (&target, &self.syslog_ca) {
            (SyslogTarget::Tls(_), None) => {
                let problem = "--syslog-ca is missing\n  give the authority of the collector's \
                               certificate";
                return Err(CliError::Usage(problem.to_owned()));
            }
            (_, None) => None,
            (_, Some(ca)) => Some(SyslogTls {
                ca: ca.clone(),
                identity: self.syslog_cert.clone().zip(self.syslog_key.clone()),
                accepts_unsigned_end: self.syslog_unsigned_end,
            }),
        };
        let syslog = Syslog::new(target.clone(), tls.as_ref());
        let syslog = syslog.map_err(|error| CliError::Usage(error.to_string()))?;
        let format = format.unwrap_or(FormatArg::Ocsf).format();
        Ok(Some(Collector {
            target,
            delivery: SyslogDelivery::new(syslog, patience, |words| say(words)),
            form: SyslogForm::new(format, &host(), std::process::id()),
        }))
    }
}

impl Collector {
    /// What became of the entries before the failure.
    pub(super) fn failed(&self, error: &SyslogError) -> CliError {
        let mut words = format!("{}: {error}", self.target);
        if let Some(index) = self.delivery.first_unconfirmed()
            && self.target.confirms()
        {
            words.push_str(&match index {
                0 => "\n  no entry is known to have arrived".to_owned(),
                _ => format!("\n  entries before index {index} have arrived, later ones may have"),
            });
        }
        CliError::Failed(words)
    }
}

/// The name of this machine, as the system has it; empty where it does not say.
fn host() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    host.trim().to_owned()
}
