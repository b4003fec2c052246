//! The members of every class, frozen with the format version: a member's place in its class is
//! part of every rank, so a change here would open old tokens to other values.

/// The members of a class: the ranges first, one after the other, then the listed ones.
pub(super) struct Members {
    pub(super) ranges: &'static [(char, char)],
    pub(super) listed: &'static str,
}

const fn ranges(ranges: &'static [(char, char)]) -> Members {
    Members { ranges, listed: "" }
}

const fn listed(listed: &'static str) -> Members {
    Members {
        ranges: &[],
        listed,
    }
}

/// The classes, in the order of their ids. The first 20 have names in [`super::Class`], the others
/// are the decimal digits of the scripts of the Basic Multilingual Plane, but fullwidth.
pub(super) static CLASSES: [Members; 55] = [
    ranges(&[('0', '9')]),
    ranges(&[('a', 'z')]),
    ranges(&[('A', 'Z')]),
    // Latin-1, Latin Extended-A and Vietnamese, without digraphs, ŉ and ſ; then what Romanian and
    // Azerbaijani names need beside them.
    listed(concat!(
        "ßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ",
        "āăąćĉċčďđēĕėęěĝğġģĥħĩīĭįıĵķĸĺļľłńņňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷźżž",
        "ơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ",
        "șțə",
    )),
    listed(concat!(
        "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ",
        "ĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĴĶĹĻĽŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽ",
        "ƠƯẠẢẤẦẨẪẬẮẰẲẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴỶỸẞ",
        "ȘȚƏ",
    )),
    // Monotonic Greek. A final sigma is a spelling of σ: see `super::sigma`.
    listed("ΐάέήίΰαβγδεζηθικλμνξοπρστυφχψωϊϋόύώ"),
    listed("ΆΈΉΊΌΎΏΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩΪΫ"),
    // Cyrillic as in Russian, and the letters of other languages apart, so that a Russian name
    // gets a token that a Russian keyboard can type.
    Members {
        ranges: &[('а', 'я')],
        listed: "ё",
    },
    Members {
        ranges: &[('А', 'Я')],
        listed: "Ё",
    },
    listed("ѐђѓєѕіїјљњћќѝўџҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӂӄӆӈӊӌӎӏӑӓӕӗәӛӝӟӡӣӥӧөӫӭӯӱӳӵӷӹӻӽӿ"),
    listed("ЀЂЃЄЅІЇЈЉЊЋЌЍЎЏҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӁӃӅӇӉӋӍӐӒӔӖӘӚӜӞӠӢӤӦӨӪӬӮӰӲӴӶӸӺӼӾ"),
    // Armenian, without the ligature և.
    ranges(&[('\u{561}', '\u{586}')]),
    ranges(&[('\u{531}', '\u{556}')]),
    // The 33 letters of modern Georgian.
    ranges(&[('\u{10d0}', '\u{10f0}')]),
    // Hebrew, with the five final forms.
    ranges(&[('\u{5d0}', '\u{5ea}')]),
    // Arabic (without the tatweel), then Persian, then Urdu.
    Members {
        ranges: &[('\u{621}', '\u{63a}'), ('\u{641}', '\u{64a}')],
        listed: concat!(
            "\u{67e}\u{686}\u{698}\u{6a9}\u{6af}\u{6c0}\u{6cc}",
            "\u{679}\u{688}\u{691}\u{6ba}\u{6be}\u{6c1}\u{6c2}\u{6c3}\u{6d2}\u{6d3}",
        ),
    },
    // Hiragana.
    ranges(&[('\u{3041}', '\u{3096}')]),
    // Katakana, with the prolonged sound mark.
    Members {
        ranges: &[('\u{30a1}', '\u{30f6}')],
        listed: "\u{30fc}",
    },
    // Han: the Unified Repertoire and Ordering, with the iteration mark.
    Members {
        ranges: &[('\u{4e00}', '\u{9fff}')],
        listed: "\u{3005}",
    },
    // Hangul syllables.
    ranges(&[('\u{ac00}', '\u{d7a3}')]),
    ranges(&[('\u{660}', '\u{669}')]),
    ranges(&[('\u{6f0}', '\u{6f9}')]),
    ranges(&[('\u{7c0}', '\u{7c9}')]),
    ranges(&[('\u{966}', '\u{96f}')]),
    ranges(&[('\u{9e6}', '\u{9ef}')]),
    ranges(&[('\u{a66}', '\u{a6f}')]),
    ranges(&[('\u{ae6}', '\u{aef}')]),
    ranges(&[('\u{b66}', '\u{b6f}')]),
    ranges(&[('\u{be6}', '\u{bef}')]),
    ranges(&[('\u{c66}', '\u{c6f}')]),
    ranges(&[('\u{ce6}', '\u{cef}')]),
    ranges(&[('\u{d66}', '\u{d6f}')]),
    ranges(&[('\u{de6}', '\u{def}')]),
    ranges(&[('\u{e50}', '\u{e59}')]),
    ranges(&[('\u{ed0}', '\u{ed9}')]),
    ranges(&[('\u{f20}', '\u{f29}')]),
    ranges(&[('\u{1040}', '\u{1049}')]),
    ranges(&[('\u{1090}', '\u{1099}')]),
    ranges(&[('\u{17e0}', '\u{17e9}')]),
    ranges(&[('\u{1810}', '\u{1819}')]),
    ranges(&[('\u{1946}', '\u{194f}')]),
    ranges(&[('\u{19d0}', '\u{19d9}')]),
    ranges(&[('\u{1a80}', '\u{1a89}')]),
    ranges(&[('\u{1a90}', '\u{1a99}')]),
    ranges(&[('\u{1b50}', '\u{1b59}')]),
    ranges(&[('\u{1bb0}', '\u{1bb9}')]),
    ranges(&[('\u{1c40}', '\u{1c49}')]),
    ranges(&[('\u{1c50}', '\u{1c59}')]),
    ranges(&[('\u{a620}', '\u{a629}')]),
    ranges(&[('\u{a8d0}', '\u{a8d9}')]),
    ranges(&[('\u{a900}', '\u{a909}')]),
    ranges(&[('\u{a9d0}', '\u{a9d9}')]),
    ranges(&[('\u{a9f0}', '\u{a9f9}')]),
    ranges(&[('\u{aa50}', '\u{aa59}')]),
    ranges(&[('\u{abf0}', '\u{abf9}')]),
];
