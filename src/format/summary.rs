//! What a format does, for whoever configures it: `counterfoil config check`.

use zeroize::Zeroizing;

use super::Format;
use super::Layout;
use super::Parsed;
use super::skeletal::Domains;
use super::skeletal::validators;
use super::spec::FormatKind;
use super::spec::Length;
use super::structured::Structured;
use crate::domain::DomainSize;
use crate::domain::Fidelity;
use crate::domain::Plaintext;
use crate::domain::Rank;
use crate::domain::split_parts;

/// What a format does.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FormatSummary {
    /// The bits of the size of the smallest and the largest slice; of texts, of the example's.
    pub bits: Option<(usize, usize)>,
    /// How many slices identifiers have; nothing for texts, which have as many as there are shapes.
    pub slices_count: Option<u64>,
    /// A made-up value, and a token such as it could have.
    pub example: Option<(String, String)>,
    /// What may be seen of the made-up value without revealing it.
    pub example_mask: Option<String>,
    /// What every token of a shape says of its value.
    pub reveals: Vec<String>,
    /// What should be thought about.
    pub warnings: Vec<String>,
}

impl Format {
    /// What the format does. No secrets: values are made up, and no key is used.
    #[must_use]
    pub fn summary(&self) -> FormatSummary {
        let is_outline = self.fidelity == Fidelity::Outline;
        let mut summary = match &self.layout {
            Layout::Product(identifier) => {
                let mut summary = identifier.summary();
                if is_outline {
                    summary.reveals = outline_reveals();
                    summary.warnings.clear();
                }
                summary
            }
            Layout::Skeletal(skeletal) => {
                self.text_summary(skeletal.kind(), skeletal.length(), skeletal.domains())
            }
            Layout::Structured(structured) => {
                let mut summary = self.parts_summary(structured);
                if is_outline {
                    summary.reveals = outline_reveals();
                    summary.reveals.extend(structured.reveals_as_outline());
                    summary.warnings.clear();
                }
                summary
            }
        };
        summary.example_mask = summary.example.as_ref().map(|(value, _)| {
            // Made up, so there is nothing to hide.
            self.mask(&Plaintext::new(value.clone()))
                .expose()
                .to_owned()
        });
        summary
    }

    fn text_summary(
        &self,
        kind: FormatKind,
        length: Length,
        domains: Option<&Domains>,
    ) -> FormatSummary {
        let value = match kind {
            FormatKind::Address => "12 Example Street, Anytown",
            FormatKind::Digits => "0012-3456-789",
            FormatKind::Email => "ada.lovelace@example.com",
            FormatKind::Name => "Ada Lovelace",
            FormatKind::Text => "Room 7, ask for Ada",
        };
        let mut reveals = vec!["scripts, letter case, separators".to_owned()];
        let mut warnings = Vec::new();
        match length {
            Length::Bucket => reveals.push("how long its words are, in steps".to_owned()),
            Length::Exact => reveals.push("how long its words are".to_owned()),
        }
        let is_outline = self.fidelity == Fidelity::Outline;
        let is_telling = length == Length::Exact
            && matches!(kind, FormatKind::Address | FormatKind::Name)
            && !is_outline;
        if is_telling {
            warnings.push(
                "more than half of all full names and addresses have a shape of their own: \
                 length = \"bucket\" or fidelity = \"outline\" shows less"
                    .to_owned(),
            );
        }
        if is_outline {
            reveals = outline_reveals();
        }
        reveals.extend(domains.and_then(Domains::reveals).map(str::to_owned));
        warnings.extend(domains.map(Domains::warnings).unwrap_or_default());
        let refusing: Vec<&str> = domains
            .map(|domains| validators(domains.token_domain()))
            .unwrap_or_default()
            .into_iter()
            .filter(|(_, accepts)| !accepts)
            .map(|(name, _)| name)
            .collect();
        if !refusing.is_empty() {
            let names = refusing.join(", ");
            warnings.push(format!("addresses in token_domain are refused by {names}"));
        }
        let mut summary = FormatSummary {
            reveals,
            warnings,
            ..FormatSummary::default()
        };
        if let Some((bits, token)) = self.example_of(value) {
            summary.bits = Some((bits, bits));
            summary.example = Some((value.to_owned(), token));
        }
        summary
    }

    fn parts_summary(&self, structured: &Structured) -> FormatSummary {
        let mut reveals = match structured.length() {
            Length::Bucket => vec!["how long the words of each part are, in steps".to_owned()],
            Length::Exact => vec!["how long the words of each part are".to_owned()],
        };
        reveals.insert(0, "scripts, letter case, separators".to_owned());
        reveals.extend(structured.reveals());
        let mut summary = FormatSummary {
            reveals,
            ..FormatSummary::default()
        };
        if structured.length() == Length::Exact {
            summary.warnings.push(
                "most values have a shape of their own: length = \"bucket\" or fidelity = \
                 \"outline\" shows less"
                    .to_owned(),
            );
        }
        let value = structured.example();
        if let Some((bits, token)) = self.example_of(&value) {
            summary.bits = Some((bits, bits));
            summary.example = Some((shown(&value), shown(&token)));
        }
        summary
    }

    /// The bits of a made-up value's slice, and a token of that slice.
    fn example_of(&self, value: &str) -> Option<(usize, String)> {
        let mut parsed = self.parse(&Plaintext::new(value.to_owned())).ok()?;
        if parsed.domain_tag().is_some() {
            let tag = some_rank(&Parsed::domain_tags());
            parsed.set_domain_tag(&tag).ok()?;
        }
        let shaped = parsed.shaped().ok()?;
        let domain = shaped.slice.domain();
        let token = shaped.slice.unrank(&some_rank(domain)).ok()??;
        // Made up, so there is nothing to hide.
        Some((domain.bits(), token.expose().to_owned()))
    }
}

/// Parts as a person reads them.
fn shown(parts: &str) -> String {
    let parts = split_parts(parts).unwrap_or_default();
    let texts: Vec<&str> = parts.iter().map(|(_, text)| *text).collect();
    texts.join(" | ")
}

fn outline_reveals() -> Vec<String> {
    vec!["its kind and its style of capital letters".to_owned()]
}

/// A rank somewhere in the lower half, always the same.
fn some_rank(domain: &DomainSize) -> Rank {
    let mut limbs = Zeroizing::new(vec![SOME_LIMB; domain.limbs().len()]);
    if let (Some(last), Some(top)) = (limbs.last_mut(), domain.limbs().last()) {
        *last = top / 3;
    }
    Rank::from_limbs(limbs)
}

/// Any number does.
const SOME_LIMB: u64 = 0x9e37_79b9_7f4a_7c15;
