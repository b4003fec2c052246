//! The promises that a format makes for a value.

use counterfoil::domain::Plaintext;
use counterfoil::domain::Rank;
use counterfoil::domain::Token;
use counterfoil::format::EmailDomain;
use counterfoil::format::Format;
use counterfoil::format::FormatKind;
use counterfoil::format::FormatSpec;
use counterfoil::format::Length;
use counterfoil::format::OnInvalid;
use counterfoil::format::Parsed;
use zeroize::Zeroizing;

use crate::fault;
use crate::round_trip::assert_closed;
use crate::round_trip::mangled;
use crate::round_trip::outline_round_trip;
use crate::round_trip::random_rank;
use crate::round_trip::shape_round_trip;

/// A format, and what may be asked of it.
pub struct Subject {
    pub format: Format,
    /// Its tokens are values of their own slice: texts without a mark or a tag.
    pub is_closed: bool,
    /// Its outlines are no values: not of formats made up by an input.
    pub is_outline_told: bool,
    /// Every text of a value's slice is a value too: not of cards and telephone numbers, of which
    /// more is known than their format says.
    pub is_whole: bool,
}

/// Every format of texts: kinds, lengths, and domains of e-mail addresses.
pub fn texts() -> Vec<Subject> {
    let kinds = [
        FormatKind::Address,
        FormatKind::Digits,
        FormatKind::Email,
        FormatKind::Name,
        FormatKind::Text,
    ];
    let own_domains = vec!["acme.example".to_owned(), "bücher.example".to_owned()];
    let domains = [
        EmailDomain::Replace,
        EmailDomain::ReplaceTagged,
        EmailDomain::Keep { own_domains },
    ];
    let mut specs = Vec::new();
    for kind in kinds {
        let is_email = kind == FormatKind::Email;
        for length in [Length::Exact, Length::Bucket] {
            for domain in &domains[..if is_email { 3 } else { 1 }] {
                for on_invalid in [OnInvalid::Reject, OnInvalid::Outline] {
                    specs.push(FormatSpec {
                        token_domain: is_email.then(|| "tok.acme.example".to_owned()),
                        domain: domain.clone(),
                        length,
                        on_invalid,
                        ..FormatSpec::new(kind)
                    });
                }
            }
        }
    }
    // Digits have no length to hide.
    specs.retain(|spec| spec.kind != FormatKind::Digits || spec.length == Length::Exact);
    let subject = |spec: FormatSpec| Subject {
        is_closed: spec.domain == EmailDomain::Replace,
        is_outline_told: true,
        is_whole: true,
        format: Format::new(spec).expect("a format of the list"),
    };
    specs.into_iter().map(subject).collect()
}

/// Tries a text as a value. Says whether it is one.
pub fn try_value(subject: &Subject, text: &str, seed: u64) -> bool {
    let format = &subject.format;
    let _ = format.recognize(&Token::new(text.to_owned()));
    let Ok(mut parsed) = format.parse(&Plaintext::new(text.to_owned())) else {
        return false;
    };
    let again = format.parse(&Plaintext::new(parsed.canonical().to_owned()));
    let again = again.expect("the canonical form is a value");
    assert!(again.canonical() == parsed.canonical() && again.equality() == parsed.equality());
    let mut state = seed;
    if parsed.domain_tag().is_some() {
        let tag = random_rank(&Parsed::domain_tags(), &mut state);
        parsed.set_domain_tag(&tag).expect("a tag of its domain");
    }
    if parsed.shaped().is_ok() {
        let token = shape_round_trip(format, &parsed, &mut state, spellings);
        if subject.is_closed {
            assert_closed(format, &parsed, &token);
        }
    }
    if subject.is_outline_told {
        outline_round_trip(format, &parsed, &mut state, mangled);
    }
    true
}

/// Another value of the slice of this one, at a place that the bytes say.
pub fn neighbour(format: &Format, value: &str, place: &[u8]) -> Option<String> {
    let parsed = format.parse(&Plaintext::new(value.to_owned())).ok()?;
    let shaped = parsed.shaped().ok()?;
    let domain = shaped.slice.domain();
    let mut limbs: Vec<u64> = (0..domain.limbs().len())
        .map(|limb| {
            let bytes = place.iter().skip(8 * limb).take(8);
            bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
        })
        .collect();
    if let (Some(top), Some(end)) = (limbs.last_mut(), domain.limbs().last()) {
        *top %= end.saturating_add(1);
    }
    let rank = Rank::from_limbs(Zeroizing::new(limbs));
    let residue = parsed.residue(counterfoil::domain::Fidelity::Shape).ok()?;
    let other = format.restore(&shaped.slice, &rank, &residue).ok()?;
    Some(other.expose().to_owned())
}

fn spellings(token: &str) -> Vec<String> {
    if fault::is_planted() {
        return vec![fault::changed(token)];
    }
    mangled(token)
}
