//! What a format does, for whoever configures it: `counterfoil config check`.

use zeroize::Zeroizing;

use super::Format;
use super::Layout;
use super::OutlineSize;
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
                    let value = summary.example.take().map(|(value, _)| value);
                    summary.slices_count = None;
                    summary.set_example(value.as_deref().and_then(|it| self.example_of(it)));
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
        summary.set_example(self.example_of(value));
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
        summary.set_example(self.example_of(&value));
        summary.example = summary
            .example
            .map(|(value, token)| (shown(&value), shown(&token)));
        summary
    }

    /// A made-up value, the bits of what its tokens are drawn from, and one of them.
    fn example_of(&self, value: &str) -> Option<Example> {
        let mut parsed = self.parse(&Plaintext::new(value.to_owned())).ok()?;
        if parsed.domain_tag().is_some() {
            let tag = some_rank(&Parsed::domain_tags());
            parsed.set_domain_tag(&tag).ok()?;
        }
        let (bits, token) = match self.fidelity {
            Fidelity::Outline => {
                let (outlined, size) = (parsed.outlined(), OutlineSize::Small);
                let domain = outlined.domain(size);
                (domain.bits(), outlined.unrank(size, &some_rank(&domain)))
            }
            Fidelity::Imported | Fidelity::Opaque | Fidelity::Shape => {
                let slice = &parsed.shaped().ok()?.slice;
                let domain = slice.domain();
                (domain.bits(), slice.unrank(&some_rank(domain)))
            }
        };
        Some(Example {
            value: value.to_owned(),
            bits,
            // Made up, so there is nothing to hide.
            token: token.ok()??.expose().to_owned(),
        })
    }
}

/// A made-up value with a token.
struct Example {
    value: String,
    bits: usize,
    token: String,
}

impl FormatSummary {
    fn set_example(&mut self, example: Option<Example>) {
        self.bits = example.as_ref().map(|example| (example.bits, example.bits));
        self.example = example.map(|example| (example.value, example.token));
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
        // A third would be the same digit all over in many a radix.
        *last = u64::try_from((u128::from(*top) * SOME_FRACTION) >> 64).unwrap_or_default();
    }
    Rank::from_limbs(limbs)
}

/// Any number does.
const SOME_LIMB: u64 = 0x9e37_79b9_7f4a_7c15;
/// 2^64 / π.
const SOME_FRACTION: u128 = 0x517c_c1b7_2722_0a95;
