//! Formats made up at random: what loads keeps every promise.

use std::collections::HashMap;

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::is_nfc;

use super::super::error::Fault;
use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases_count(60)))]

    /// Goal: what a specification may say, the format does.
    /// Method: specifications of every kind of part; those that load are tried with values and
    /// tokens of slices of all lengths, in several spellings.
    #[test]
    fn formats_that_load_are_closed(seed in any::<u64>()) {
        let mut sampler = Sampler::new(seed);
        let spec = random_spec(&mut sampler);
        match Product::new(&spec) {
            Ok(product) => assert_closed(&product, &mut sampler, 30),
            Err(error) => {
                let is_own_fault = matches!(*error.fault, Fault::NotClosed { .. });
                prop_assert!(!is_own_fault, "{error}\n{spec:?}");
            }
        }
    }
}

#[test]
fn many_random_formats_load() {
    let loads = |seed| {
        let spec = random_spec(&mut Sampler::new(seed));
        Grammar::compile(&spec).is_ok()
    };
    let count = (0..200).filter(|&seed| loads(seed)).count();
    assert!((40..180).contains(&count), "{count}");
}

/// Tries some slices of a format.
pub(super) fn assert_closed(product: &Product, sampler: &mut Sampler, slices_count: u32) {
    let mut tokens: HashMap<String, (Vec<u8>, Vec<u64>)> = HashMap::new();
    for _ in 0..slices_count {
        let slice = sampler.slice(&product.grammar).unwrap();
        assert!(slice.domain().is_large_enough());
        let Some(value) = sampler.text(&slice, Side::Value) else {
            continue;
        };
        let canonical = product.canonical(&value).unwrap();
        assert_eq!(*canonical, *value);
        let read = product.parse(&canonical).unwrap();
        assert!(read.slice.is(&slice));
        assert!(product.recognize(&fold(&value)).is_value);
        for rank in [
            slice.join(&sampler.indexes(&slice, Side::Token)),
            Rank::from_u64(0),
        ] {
            let Some(token) = read.slice.unrank(&rank).unwrap() else {
                continue;
            };
            assert!(is_nfc(&token));
            for spelling in [
                token.to_owned(),
                token.to_uppercase(),
                token.to_lowercase(),
                token.nfd().collect(),
                format!(
                    "\u{a0}{}\n",
                    token.replace(' ', " \u{2003}").replace('-', "\u{2010}")
                ),
            ] {
                let folded = fold(&spelling);
                let (of_token, place) = product.read_token(&folded).expect(&spelling);
                assert!(of_token.is(&slice) && place.equals(&rank), "{spelling}");
                let restored = of_token.restore(&read.rank, &read.quotient).unwrap();
                assert_eq!(*restored, *value);
                assert!(product.recognize(&folded).is_token);
            }
            // One token has one slice and one place.
            let folded = fold(&token).to_string();
            let place = (slice.tweak(), rank.expose_limbs().to_vec());
            let own = tokens.entry(folded).or_insert_with(|| place.clone());
            assert_eq!(*own, place);
        }
    }
}

/// One to three forms. Where there are several, most begin with letters of their own, so that
/// they can be told apart.
fn random_spec(sampler: &mut Sampler) -> GrammarSpec {
    let case = [CaseSpec::Keep, CaseSpec::Upper][pick(sampler, 2)];
    let ignore = ["", ".", ". "][pick(sampler, 3)].to_owned();
    let forms_count = 1 + pick(sampler, 3) * pick(sampler, 2);
    let forms = (0..forms_count).map(|form| {
        let mut parts = Vec::new();
        if forms_count > 1 && sampler.below(8) > 0 {
            let begin = ["QA", "QB", "QC-"][form].to_owned();
            parts.push(PartSpec {
                literal: Some(begin),
                ..PartSpec::default()
            });
        }
        for _ in 0..=pick(sampler, 4) {
            parts.push(random_part(sampler));
            if sampler.below(3) == 0 {
                parts.push(PartSpec {
                    literal: Some(["-", "/", " / ", "#"][pick(sampler, 4)].to_owned()),
                    ..PartSpec::default()
                });
            }
        }
        parts.push(run("digit", 6, 6 + pick(sampler, 3)));
        if sampler.below(2) == 0 {
            parts.push(random_check(sampler));
        }
        FormSpec { parts }
    });
    GrammarSpec {
        case,
        ignore,
        parts: None,
        forms: Some(forms.collect()),
    }
}

fn random_part(sampler: &mut Sampler) -> PartSpec {
    let optional = (sampler.below(4) == 0).then_some(true);
    let keep = (sampler.below(4) == 0).then_some(true);
    let is_exchanged = keep.is_none() && sampler.below(3) == 0;
    let length = 1 + pick(sampler, 4);
    let part = match sampler.below(7) {
        0 => PartSpec {
            one_of: Some(["A", "AB", "XYZ", "K 9"].map(str::to_owned).to_vec()),
            ..PartSpec::default()
        },
        1 => run("upper", length, length + pick(sampler, 2) * 3),
        2 => run("alnum_upper", length, length),
        3 => PartSpec {
            integer: Some(IntegersSpec::Ranges(vec![
                [2, 5],
                [7, 7 + u64::from(sampler.below(100_000))],
            ])),
            width: (sampler.below(2) == 0).then_some(6),
            ..PartSpec::default()
        },
        4 => PartSpec {
            date: Some(DatesSpec::Range(
                ["1900-01-01", "2099-12-31"].map(str::to_owned),
            )),
            layout: Some(["YYYYMMDD", "DD/MM/YYYY"][pick(sampler, 2)].to_owned()),
            ..PartSpec::default()
        },
        5 => PartSpec {
            alphabet: Some("АБВГДЖabcdef山田".to_owned()),
            length: Some(LengthSpec::Exact(length)),
            ..PartSpec::default()
        },
        _ => PartSpec {
            optional: None,
            ..random_check(sampler)
        },
    };
    if part.check.is_some() {
        return part;
    }
    let token = is_exchanged.then(|| random_token(sampler, &part));
    PartSpec {
        optional,
        keep,
        token,
        ..part
    }
}

/// Another set of the same kind, or of another.
fn random_token(sampler: &mut Sampler, part: &PartSpec) -> TokenSpec {
    let set = match (sampler.below(3), &part.date) {
        (0, Some(_)) => SetSpec {
            date: Some(DatesSpec::Ranges(vec![
                ["1000-01-01", "1899-12-31"].map(str::to_owned),
                ["2100-01-01", "9999-12-31"].map(str::to_owned),
            ])),
            ..SetSpec::default()
        },
        (0, None) => SetSpec {
            integer: Some(IntegersSpec::Range([100, 999])),
            ..SetSpec::default()
        },
        (1, _) => SetSpec {
            class: Some("digit".to_owned()),
            ..SetSpec::default()
        },
        _ => SetSpec {
            one_of: Some(["0Q", "1Q", "2QQ"].map(str::to_owned).to_vec()),
            ..SetSpec::default()
        },
    };
    TokenSpec::Set(Box::new(set))
}

fn random_check(sampler: &mut Sampler) -> PartSpec {
    let token = [CheckToken::Right, CheckToken::Wrong][pick(sampler, 2)];
    let name = [
        "luhn",
        "mod97_10",
        "mod11_10",
        "mod11_2",
        "verhoeff",
        "damm",
        "remainder",
    ][pick(sampler, 7)];
    let is_remainder = name == "remainder";
    PartSpec {
        check: Some(name.to_owned()),
        token: Some(TokenSpec::Check(token)),
        modulus: is_remainder.then_some(97),
        digits: is_remainder.then_some(2),
        complement: is_remainder.then_some(sampler.below(2) == 0),
        ..PartSpec::default()
    }
}

fn run(class: &str, least: usize, most: usize) -> PartSpec {
    PartSpec {
        class: Some(class.to_owned()),
        length: Some(LengthSpec::Range([least, most])),
        ..PartSpec::default()
    }
}

fn pick(sampler: &mut Sampler, end: u32) -> usize {
    usize::try_from(sampler.below(end)).unwrap()
}
