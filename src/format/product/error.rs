//! Why a product format is refused. For the operator: the part, what is wrong, then what to do.
//!
//! Everything here is text of the configuration, which is no secret.

use std::fmt;

use thiserror::Error;

use super::side::Side;

/// Why a product format is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{place}: {fault}")]
pub struct GrammarError {
    pub(super) place: Place,
    pub(super) fault: Box<Fault>,
}

/// A place in a specification. Forms and parts are numbered from 1.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Place {
    /// Nothing where the specification has `parts` and no `forms`.
    pub(super) form: Option<usize>,
    pub(super) part: Option<usize>,
    /// A key of the part, of the form or of the whole.
    pub(super) key: &'static str,
}

impl Place {
    pub(super) fn key(self, key: &'static str) -> Self {
        Self { key, ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(form) = self.form {
            write!(formatter, "forms[{form}]")?;
            separator = ".";
        }
        if let Some(part) = self.part {
            write!(formatter, "{separator}parts[{part}]")?;
            separator = ".";
        }
        if !self.key.is_empty() {
            write!(formatter, "{separator}{}", self.key)?;
        } else if separator.is_empty() {
            formatter.write_str("format")?;
        }
        Ok(())
    }
}

/// What is wrong, and on the second line what to do about it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(super) enum Fault {
    #[error("has more than {characters_max} characters\nname fewer")]
    AlphabetTooLarge { characters_max: usize },
    #[error(
        "{side} can be read in two ways, for example `{example}`: here and by {other}\n\
         separate the parts with a literal, fix their lengths, or begin forms differently"
    )]
    Ambiguous {
        side: Side,
        example: String,
        other: Place,
    },
    #[error(
        "has `{character}`, which does not survive letter case changes and Unicode normalization \
         as one visible character\nleave it out"
    )]
    CharacterUnfit { character: char },
    #[error(
        "has both `{first}` and `{second}`, which are one character after letter case changes and \
         the like\nleave one of them out"
    )]
    CharactersCollide { first: char, second: char },
    #[error("check `{name}` does not exist\ntake one of {}", super::check::NAMES.join(", "))]
    CheckUnknown { name: String },
    #[error("checks cover one another, so that none can be the first\nset `over` of one of them")]
    ChecksCircular,
    #[error(
        "class `{name}` does not exist\ntake one of {}, or an `alphabet`",
        class_names()
    )]
    ClassUnknown { name: String },
    #[error("`{text}` is not a day\nwrite YYYY-MM-DD, from 0001-01-01 to 9999-12-31")]
    DateInvalid { text: String },
    #[error("ranges are not in order, or overlap\nwrite them in order")]
    RangesUnordered,
    #[error(
        "is {digits} digits, which cannot write every number below the modulus {modulus}\n\
         set `digits` from 1 to 4, and a smaller modulus"
    )]
    DigitsTooFew { digits: usize, modulus: u32 },
    #[error("has no part\nadd one, like {{ class = \"digit\", length = 9 }}")]
    FormEmpty,
    #[error("are not from 1 to {forms_max}\nadd or remove some")]
    FormsCount { forms_max: usize },
    #[error("does not have two letters and nothing else before it\nput it at characters 3 and 4")]
    IbanPlace,
    #[error(
        "has `{character}`, which the canonical form drops\ntake it out of here or of `ignore`"
    )]
    IgnoredCharacter { character: char },
    #[error("has more than 4,294,967,295 members\ntake a class of characters instead")]
    IntegerSpan,
    #[error(
        "is too long: {length_max} characters at the most\nset a smaller length, or split the part"
    )]
    LengthTooLong { length_max: usize },
    #[error("is not one length\nset one number: the value's whole part is exchanged")]
    LengthVaries,
    #[error(
        "is not a layout of dates\nuse each of YYYY, MM and DD once, and separators other than \
         ASCII letters and digits, like YYYY-MM-DD"
    )]
    LayoutInvalid,
    #[error("both keeps the value's text and has another\nremove `keep` or `token`")]
    KeptAndExchanged,
    #[error(
        "has no kind\nset one of `literal`, `one_of`, `class`, `alphabet`, `integer`, `date` and \
         `check`"
    )]
    KindMissing,
    #[error("has the kinds `{first}` and `{second}`\nmake them two parts, or remove one")]
    KindsTooMany {
        first: &'static str,
        second: &'static str,
    },
    #[error("is not from 2 to {modulus_max}\nset another")]
    Modulus { modulus_max: u32 },
    #[error(
        "fewer than a quarter of its numbers have a check symbol, so that tokens would be hard to \
         find\nset `symbols` for more remainders"
    )]
    NumbersRare,
    #[error("has neither `parts` nor `forms`\nset one of them")]
    NoParts,
    #[error(
        "does not read its own texts back: {claim}\nthis is a fault of the program: report it, \
         with the format"
    )]
    NotClosed { claim: &'static str },
    #[error("both can be absent and can be empty\nset a length of at least 1")]
    OptionalEmpty,
    #[error("has more than {texts_max} texts\nsplit the part")]
    OptionsCount { texts_max: usize },
    #[error("is missing for `{kind}`\nset it")]
    OptionMissing { kind: &'static str },
    #[error("does not go with `{kind}`\nremove it")]
    OptionUnexpected { kind: &'static str },
    #[error("covers no character that counts\nname other parts in `over`")]
    OverEmpty,
    #[error("names part {number}, which is the check itself or does not exist\nremove it")]
    OverPart { number: usize },
    #[error("has both `parts` and `forms`\nput the parts into a form")]
    PartsAndForms,
    #[error("are more than {parts_max}\nuse fewer")]
    PartsCount { parts_max: usize },
    #[error("begins with more than it ends with\nexchange the two")]
    RangeReversed,
    #[error("has no member\nadd one, or remove the part")]
    SetEmpty,
    #[error(
        "begins or ends with a space, or has two in a row, in {side}\nmove the space between \
         two other characters: texts lose such spaces"
    )]
    Spaces { side: Side },
    #[error("has more symbols than the modulus {modulus}, or none\nset one for each remainder")]
    SymbolsCount { modulus: u32 },
    #[error("is empty\nwrite a text, or make the part optional")]
    TextEmpty,
    #[error(
        "`{text}` has letters that are not in the canonical letter case\nwrite them in it, or \
         change `case`"
    )]
    TextCase { text: String },
    #[error("is longer than {characters_max} characters at its longest\nmake parts shorter")]
    TextTooLong { characters_max: usize },
    #[error(
        "has `{first}` and `{second}`, which are one text after letter case changes and the \
         like\nremove one of them"
    )]
    TextsCollide { first: String, second: String },
    #[error("is a word, which is for checks only\nwrite a table like {{ class = \"upper\" }}")]
    TokenWord,
    #[error("is a table, but of a check\nset it to \"right\" or \"wrong\"")]
    TokenTable,
    #[error("is too large to find out whether it is unambiguous\nuse fewer forms, parts or texts")]
    TooLargeToCheck,
    #[error("has only {count} tokens at its smallest\nat least 1,000,000 are needed: {remedy}")]
    TooSmall { count: u64, remedy: String },
    #[error("`{key}` is not a character, or its value has more digits than it\nset another")]
    ValueInvalid { key: String },
    #[error("does not say what `{character}` counts as\nset it in `values`, {range}")]
    ValueMissing {
        character: char,
        range: &'static str,
    },
    #[error(
        "are {weights_count} for {covered_least} to {covered_most} characters\nset one for each \
         character, and cover parts of fixed length"
    )]
    WeightsCount {
        weights_count: usize,
        covered_least: usize,
        covered_most: usize,
    },
    #[error("has more than 4,294,967,295 members, too many to exchange as a whole\nsplit the part")]
    WholeTooLarge,
    #[error("is too small for the largest number, or above 20\nset another")]
    Width,
    #[error("can never be wrong, since there is only one symbol\nset `token` to \"right\"")]
    WrongImpossible,
}

impl Fault {
    pub(super) fn at(self, place: Place) -> GrammarError {
        GrammarError {
            place,
            fault: Box::new(self),
        }
    }
}

fn class_names() -> String {
    super::alphabet::CLASSES.map(|(name, _)| name).join(", ")
}
