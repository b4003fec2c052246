//! Formats whose texts could be read in two ways.

use super::super::error::Fault;
use super::*;

/// Goal: no text of a format has two readings.
/// Method: formats with such a text, each refused with the text, or one as good.
#[test]
fn ambiguous_formats_are_refused() {
    for (parts, example) in [
        (
            "{ class = 'digit', length = [1, 3] }, { class = 'digit', length = [1, 3] }, { class = \
             'upper', length = 8 }",
            "000AAAAAAAA",
        ),
        (
            "{ one_of = ['A', 'AB'] }, { literal = 'B', optional = true }, { class = 'digit', \
             length = 8 }",
            "AB00000000",
        ),
        (
            "{ class = 'digit', length = [6, 7] }, { literal = '1', optional = true }",
            "0000001",
        ),
        (
            "{ class = 'digit', length = [6, 7] }, { check = 'luhn' }, { class = 'digit', length = \
             [1, 2] }",
            "",
        ),
        (
            "{ class = 'alnum_upper', length = [5, 6] }, { one_of = ['X', 'XX'], keep = true }",
            "",
        ),
        (
            "{ integer = [0, 99] }, { integer = [0, 999] }, { literal = '-' }, { class = 'digit', \
             length = 9 }",
            "",
        ),
        (
            "{ literal = 'x', optional = true }, { literal = 'x', optional = true }, { class = \
             'digit', length = 6 }",
            "x000000",
        ),
        (
            "{ class = 'digit', length = [0, 2] }, { integer = [0, 5], \
             width = 2, optional = true }, \
             { class = 'upper', length = 8 }",
            "",
        ),
        (
            "{ class = 'digit', length = [6, 14] }, { date = ['1999-01-01', '2099-12-31'], \
             layout = 'YYYYMMDD', optional = true }",
            "",
        ),
    ] {
        let refused = refusal(&format!("parts = [ {parts} ]"));
        assert!(
            refused.contains("can be read in two ways"),
            "{parts}: {refused}"
        );
        assert!(refused.contains(example), "{parts}: {refused}");
    }
}

#[test]
fn formats_with_one_text_in_two_forms_are_refused() {
    for forms in [
        "[[forms]]\nparts = [ { class = 'digit', length = [6, 8] } ]\n\
         [[forms]]\nparts = [ { class = 'digit', length = [8, 9] } ]",
        "[[forms]]\nparts = [ { class = 'digit', length = 9 } ]\n\
         [[forms]]\nparts = [ { class = 'digit', length = 8 }, { check = 'luhn' } ]",
        "[[forms]]\nparts = [ { class = 'hex_upper', length = 9 } ]\n\
         [[forms]]\nparts = [ { one_of = ['AA', 'BB'] }, { class = 'digit', length = 7 } ]",
    ] {
        let refused = refusal(forms);
        assert!(refused.contains("can be read in two ways"), "{refused}");
        assert!(refused.starts_with("forms[1].parts[1]"), "{refused}");
        assert!(refused.contains("by forms[2].parts[1]"), "{refused}");
    }
}

#[test]
fn tokens_are_ambiguous_on_their_own() {
    // Values are told apart by letter case, tokens after any change of it are not.
    let refused = refusal(
        "parts = [ { class = 'upper', length = [4, 9] }, { class = 'lower', length = [4, 9] } ]",
    );
    assert!(
        refused.contains("tokens can be read in two ways"),
        "{refused}"
    );
    let told_apart = "case = 'upper'\nparts = [ { class = 'upper', length = [4, 9] },
                      { class = 'upper', length = [4, 9], token = { class = 'digit' } } ]";
    let refused = refusal(told_apart);
    assert!(
        refused.contains("values can be read in two ways"),
        "{refused}"
    );
    let marked = "parts = [ { class = 'digit', length = [5, 9] },
                  { literal = '-', token = { literal = '0' } }, { class = 'digit', length = 1 } ]";
    assert_eq!(refusal(marked), "accepted");
    let marked = "parts = [ { class = 'digit', length = [5, 9] },
                  { literal = '-', token = { literal = '0' } },
                  { class = 'digit', length = [1, 2] } ]";
    assert!(refusal(marked).contains("tokens can be read in two ways"));
}

/// Goal: what is unambiguous is accepted, though it takes a look ahead.
#[test]
fn unambiguous_formats_are_accepted() {
    for parts in [
        "{ class = 'digit', length = [1, 3] }, { literal = '-' }, { class = 'digit', length = 7 }",
        "{ class = 'digit', length = [6, 9] }, { one_of = ['12', '34'] }",
        "{ one_of = ['A', 'AB', 'ABC'], keep = true }, { class = 'digit', length = 6 }",
        "{ literal = '0', optional = true }, { integer = [1000000, 3000000] }",
        "{ integer = [0, 4000000] }, { literal = '/' }, { integer = [1, 99] }",
        "{ class = 'digit', length = [6, 9] }, { class = 'upper', length = [0, 3] }, { check = \
         'verhoeff', over = [1] }",
        "{ class = 'hex_upper', length = 6 }, { literal = 'G', optional = true }, { class = \
         'hex_upper', length = 2 }",
        "{ literal = 'a b-c' }, { class = 'digit', length = 6 }, { literal = ' x', optional = \
         true }",
    ] {
        assert_eq!(
            refusal(&format!("parts = [ {parts} ]")),
            "accepted",
            "{parts}"
        );
    }
}

#[test]
fn forms_told_apart_by_a_month_are_accepted() {
    // PESEL: 20 is added to the month of those born after 1999.
    let spec = "
        [[forms]]
        parts = [ { integer = [0, 99], width = 2 }, { integer = [1, 12], width = 2 },
                  { integer = [1, 31], width = 2 }, { class = 'digit', length = 4 } ]
        [[forms]]
        parts = [ { integer = [0, 99], width = 2 }, { integer = [21, 32], width = 2 },
                  { integer = [1, 31], width = 2 }, { class = 'digit', length = 4 } ]";
    assert_eq!(refusal(spec), "accepted");
}

#[test]
fn vast_formats_are_too_large_to_check() {
    let long = "{ class = 'alnum_upper', length = [0, 4] }, ".repeat(62);
    let refused = refusal(&format!(
        "parts = [ {long} {{ class = 'digit', length = 6 }} ]"
    ));
    assert!(
        refused.contains("too large") || refused.contains("can be read in two ways"),
        "{refused}"
    );
}

/// Goal: the check says that a format is ambiguous exactly if it is.
/// Method: small random formats over two letters; all their texts, written out.
#[test]
fn refused_are_exactly_the_ambiguous() {
    let mut sampler = Sampler::new(31);
    let (mut accepted_count, mut refused_count) = (0, 0);
    for _ in 0..cases_count(2_000).min(100_000) {
        let mut parts = Vec::new();
        let mut texts = vec![String::new()];
        for _ in 0..=sampler.below(3) {
            let (part, own) = small_part(&mut sampler);
            parts.push(part);
            texts = texts
                .iter()
                .flat_map(|begin| own.iter().map(move |end| format!("{begin}{end}")))
                .collect();
        }
        // Made large enough by what cannot be confused with it.
        parts.push("{ class = 'digit', length = 6 }".to_owned());
        let spec = format!("parts = [ {} ]", parts.join(", "));
        let texts_count = texts.len();
        texts.sort_unstable();
        texts.dedup();
        let expected = texts.len() == texts_count;
        let parsed: GrammarSpec = toml::from_str(&spec).unwrap();
        let fault = Grammar::compile(&parsed).err().map(|error| error.fault);
        let is_ambiguous = matches!(fault.as_deref(), Some(Fault::Ambiguous { .. }));
        assert_eq!(is_ambiguous, !expected, "{spec}\n{fault:?}");
        assert_eq!(fault.is_none(), expected, "{spec}\n{fault:?}");
        accepted_count += u32::from(expected);
        refused_count += u32::from(!expected);
    }
    assert!(accepted_count > 100 && refused_count > 100);
}

/// A part over `a` and `b`, and all of its texts, with the empty one where it may be absent.
fn small_part(sampler: &mut Sampler) -> (String, Vec<String>) {
    let words = ["a", "b", "aa", "ab", "ba", "aba"];
    let mut texts = Vec::new();
    let kind = match sampler.below(3) {
        0 => {
            let least = sampler.below(2);
            let most = 1 + sampler.below(2).max(least);
            for length in least..=most {
                for bits in 0..1_u32 << length {
                    let bit = |place| if bits >> place & 1 == 0 { 'a' } else { 'b' };
                    texts.push((0..length).map(bit).collect::<String>());
                }
            }
            format!("alphabet = 'ab', length = [{least}, {most}]")
        }
        1 => {
            let first = usize::try_from(sampler.below(6)).unwrap();
            let own = &words[first..(first + 2).min(6)];
            texts.extend(own.iter().map(|&text| text.to_owned()));
            format!(
                "one_of = [{}]",
                own.iter()
                    .map(|w| format!("'{w}'"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        }
        _ => {
            let word = words[usize::try_from(sampler.below(6)).unwrap()];
            texts.push(word.to_owned());
            format!("literal = '{word}'")
        }
    };
    if sampler.below(2) == 0 && !texts.contains(&String::new()) {
        texts.push(String::new());
        return (format!("{{ {kind}, optional = true }}"), texts);
    }
    (format!("{{ {kind} }}"), texts)
}
