//! Asks the operator's case system whether a case is open, whose it is, and whom it is about.
//!
//! `docs/access.md` describes the one request that it must answer.

mod recent;

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::CaseId;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Subject;
use crate::domain::Timestamp;
use crate::outbound::Client;
use crate::outbound::OutboundError;
use crate::outbound::ServiceUrl;

use self::recent::Recent;

/// Where the case system answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaseSettings {
    /// The URL that is asked.
    pub url: ServiceUrl,
    /// The authorities of its certificate, PEM; nothing: those that the machine trusts.
    pub ca_file: Option<PathBuf>,
}

/// What the case system says of a case. What it does not say is not so.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CaseAnswer {
    /// Whether it is open.
    #[serde(default)]
    pub open: bool,
    /// Whether it is assigned to the person.
    #[serde(default)]
    pub assigned: bool,
    /// Whether it is about every one of the customers.
    #[serde(default)]
    pub about_subject: bool,
}

/// A question about a case.
#[derive(Clone, Copy, Debug)]
pub struct CaseQuestion<'a> {
    /// The tenant.
    pub namespace: &'a Namespace,
    /// The case.
    pub case_id: &'a CaseId,
    /// Who wants to see something.
    pub person: &'a PersonId,
    /// Whom of.
    pub subjects: &'a [&'a Subject],
}

/// The case system.
#[derive(Debug)]
pub struct Cases {
    client: Client,
    recent: Recent,
}

impl Cases {
    /// Makes the connection's settings; nothing is asked yet.
    ///
    /// # Errors
    ///
    /// If the file of authorities cannot be used.
    pub fn new(settings: &CaseSettings) -> Result<Self, OutboundError> {
        let ca_file = settings.ca_file.as_deref();
        Ok(Self {
            client: Client::new(&settings.url, ca_file, ASK_TIME_MAX)?,
            recent: Recent::default(),
        })
    }

    /// What is known of a case: an answer of the last seconds, or a new one. Nothing if it cannot
    /// be had.
    pub async fn ask_or_recall(
        &self,
        question: CaseQuestion<'_>,
        now: Timestamp,
    ) -> Option<CaseAnswer> {
        if let Some(answer) = self.recent.find(&question, now) {
            return Some(answer);
        }
        let answer = self.ask(question).await?;
        self.recent.keep(&question, now, answer);
        Some(answer)
    }

    /// Asks about a case. Nothing if it cannot be had: policies that look at the case deny then.
    pub async fn ask(&self, question: CaseQuestion<'_>) -> Option<CaseAnswer> {
        let mut parameters = vec![
            ("namespace", question.namespace.as_str()),
            ("case_id", question.case_id.as_str()),
            ("person", question.person.as_str()),
        ];
        let subjects = question.subjects.iter();
        parameters.extend(subjects.map(|subject| ("subject", subject.as_str())));
        let document = self
            .client
            .get(&parameters, "application/json", ANSWER_BYTES_MAX);
        match document.await {
            Ok(document) => {
                let answer = serde_json::from_slice(&document).ok();
                if answer.is_none() {
                    tracing::warn!("case system answered with what is no answer");
                }
                answer
            }
            Err(error) => {
                tracing::warn!(error = %error, "case system did not answer");
                None
            }
        }
    }
}

/// The longest that a question may take: somebody waits for it.
const ASK_TIME_MAX: Duration = Duration::from_secs(2);
/// The most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 16 << 10;
