//! Goal: each specification is of the identifier that it says, and no token is one. Method: numbers
//! that authorities or standards publish as examples, and made-up values and tokens.

use std::fs;

use super::*;
use crate::format::product::Product;

fn product(scheme: &Scheme) -> Product {
    let grammar = scheme
        .grammar()
        .unwrap_or_else(|error| panic!("{}: {error}", scheme.name));
    Product::new(&grammar).unwrap_or_else(|error| panic!("{}: {error}", scheme.name))
}

fn is_value(product: &Product, text: &str) -> bool {
    product.parse(&product.canonical(text).unwrap()).is_some()
}

#[test]
fn every_scheme_loads() {
    for scheme in SCHEMES {
        product(scheme);
    }
}

#[test]
fn every_file_is_a_scheme() {
    let files = fs::read_dir("src/format/builtin/national_id").unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    let schemes: Vec<_> = SCHEMES.iter().map(|scheme| scheme.name).collect();
    assert_eq!(names, schemes);
}

#[test]
fn file_says_source_mark_domain_and_what_is_visible() {
    for scheme in SCHEMES {
        for claim in [
            "\n# Source: ",
            "\n# Mark: ",
            "\n# Domain: ",
            "\n# Visible: ",
        ] {
            assert!(
                scheme.specification.contains(claim),
                "{}: {claim}",
                scheme.name
            );
        }
    }
}

#[test]
fn published_example_is_a_value() {
    for (name, example) in EXAMPLES {
        let product = product(Scheme::named(name).unwrap());
        assert!(is_value(&product, example), "{name}: {example}");
    }
}

#[test]
fn wrong_digit_is_noticed() {
    let mut missed = Vec::new();
    for (name, example) in EXAMPLES {
        let product = product(Scheme::named(name).unwrap());
        let wrong = wrong_digits(example);
        let count = wrong.iter().filter(|text| is_value(&product, text)).count();
        if count > 0 && !UNCHECKED.contains(&name) {
            missed.push((name, count));
        }
    }
    assert_eq!(missed, MISSED);
}

/// The text with each of its digits exchanged for each other one.
fn wrong_digits(text: &str) -> Vec<String> {
    let digits = text.char_indices().filter(|(_, c)| c.is_ascii_digit());
    let wrong = digits.flat_map(|(place, digit)| {
        let others = ('0'..='9').filter(move |&other| other != digit);
        others.map(move |other| {
            let mut wrong = text.to_owned();
            wrong.replace_range(place..=place, other.encode_utf8(&mut [0; 4]));
            wrong
        })
    });
    wrong.collect()
}

#[test]
fn token_is_no_value() {
    for scheme in SCHEMES {
        let product = product(scheme);
        for seed in 0..200 {
            let (value, token) = product.example(seed).unwrap();
            assert!(is_value(&product, &value), "{}: {value}", scheme.name);
            assert!(!is_value(&product, &token), "{}: {token}", scheme.name);
        }
    }
}

/// They have no check, or none that is relied upon.
const UNCHECKED: [&str; 11] = [
    "be_nn",
    "dk_cpr",
    "id_nik",
    "in_pan",
    "is_kennitala",
    "kr_rrn",
    "my_nric",
    "uk_nino",
    "us_itin",
    "us_mbi",
    "us_ssn",
];

/// How many wrong digits of the examples the checks miss, by their own design.
const MISSED: [(&str, usize); 6] = [
    // The number of the issue is not covered.
    ("au_medicare", 8),
    // A remainder of 10 is 0, as one of 0 is.
    ("cz_rodne_cislo", 7),
    // Even weights modulo 10 take a digit and the one that is 5 off for one.
    ("mx_curp", 4),
    // The century is not covered.
    ("se_personnummer", 1),
    // The third digit has the weight 11, and remainders of 0 and 10 share a check digit.
    ("th_pin", 18),
    // Even weights modulo 10, again.
    ("tw_id", 7),
];

/// From the pages and standards that the files name, and from encyclopaedias.
const EXAMPLES: [(&str, &str); 64] = [
    ("ar_cuit", "20-12345678-6"),
    ("at_vsnr", "1237 010180"),
    ("au_medicare", "2123 45670 1"),
    ("au_tfn", "123 456 782"),
    ("au_tfn", "81854402"),
    ("be_nn", "85.07.30-033 28"),
    ("bg_egn", "7523169263"),
    ("bg_egn", "8032056031"),
    ("br_cpf", "111.444.777-35"),
    ("ca_sin", "046 454 286"),
    ("ch_ahv", "756.9217.0769.85"),
    ("cl_rut", "12.345.678-5"),
    ("cn_ric", "11010519491231002X"),
    ("cz_rodne_cislo", "780123/3540"),
    ("de_steuer_id", "86095742719"),
    ("dk_cpr", "070761-4285"),
    ("ec_ci", "1710034065"),
    ("es_dni", "12345678Z"),
    ("es_dni", "X1234567L"),
    ("fi_hetu", "131052-308T"),
    ("fr_nir", "2 69 05 49 588 157 80"),
    ("gr_afm", "090000045"),
    ("gr_amka", "01013099997"),
    ("hk_hkid", "A123456(3)"),
    ("hk_hkid", "AB987654(3)"),
    ("hr_oib", "69435151530"),
    ("id_nik", "3171011708450001"),
    ("ie_pps", "1234567FA"),
    ("ie_pps", "1234567T"),
    ("il_id", "123456782"),
    ("in_aadhaar", "2341 2341 2346"),
    ("in_pan", "AAAPL1234C"),
    ("is_kennitala", "120174-3399"),
    ("jp_my_number", "123456789018"),
    ("kr_rrn", "800901-2396715"),
    ("mx_curp", "SABC560626MDFLRN01"),
    ("my_nric", "800101-14-5432"),
    ("nl_bsn", "111222333"),
    ("no_fnr", "01010750160"),
    ("no_fnr", "15021951940"),
    ("pl_pesel", "02070803628"),
    ("pl_pesel", "44051401359"),
    ("pt_nif", "123456789"),
    ("ro_cnp", "1800101221144"),
    ("rs_jmbg", "0101006500006"),
    ("ru_inn", "500100732259"),
    ("se_personnummer", "19811218-9876"),
    ("se_personnummer", "701063-2391"),
    ("se_personnummer", "811218-9876"),
    ("sg_nric", "F1234567N"),
    ("sg_nric", "G1234567X"),
    ("sg_nric", "S1234567D"),
    ("sg_nric", "T1234567J"),
    ("si_emso", "0101006500006"),
    ("th_pin", "1-2345-67890-12-1"),
    ("tr_tckn", "10000000146"),
    ("tw_id", "A123456789"),
    ("ua_rnokpp", "1759013776"),
    ("uk_nhs", "943 476 5919"),
    ("uk_nino", "AB 12 34 56 C"),
    ("us_itin", "900-70-0000"),
    ("us_mbi", "1EG4-TE5-MK73"),
    ("us_ssn", "219-09-9999"),
    ("za_id", "8001015009087"),
];
