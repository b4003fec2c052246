//! Parts, from their specification.

use super::alphabet::Alphabet;
use super::check::Check;
use super::error::Fault;
use super::error::GrammarError;
use super::error::Place;
use super::part::Body;
use super::part::Kept;
use super::part::Part;
use super::part::Run;
use super::set::Dates;
use super::set::Integers;
use super::set::Piece;
use super::set::Set;
use super::set::Texts;
use super::set::Word;
use super::spec::DatesSpec;
use super::spec::IntegersSpec;
use super::spec::LengthSpec;
use super::spec::PartSpec;
use super::spec::TokenSpec;
use super::spelling::Spelling;

impl Part {
    /// The part at `own` of `parts_count`, from 0.
    pub(super) fn compile(
        spec: &PartSpec,
        (own, parts_count): (usize, usize),
        spelling: &Spelling,
        place: Place,
    ) -> Result<Self, GrammarError> {
        let kind = kind(spec, place)?;
        if kind == "check" {
            let check = Check::compile(spec, (own, parts_count), spelling, place)?;
            return Ok(Self {
                is_optional: false,
                body: Body::Check(check),
            });
        }
        let value = raw(spec, kind, None, spelling, place)?;
        let token_place = place.key("token");
        let token = match &spec.token {
            None => None,
            Some(TokenSpec::Check(_)) => {
                return Err(Fault::TokenWord.at(token_place));
            }
            Some(TokenSpec::Set(_)) if spec.keep == Some(true) => {
                return Err(Fault::KeptAndExchanged.at(place));
            }
            Some(TokenSpec::Set(token)) => {
                let token = PartSpec::from((**token).clone());
                let kind = self::kind(&token, token_place)?;
                let layout = spec.layout.as_deref();
                Some(raw(&token, kind, layout, spelling, token_place)?)
            }
        };
        let is_optional = spec.optional == Some(true);
        let body = body(value, token, spec.keep == Some(true), place)?;
        let part = Self { is_optional, body };
        if is_optional && part.run().is_some_and(|run| run.length_least == 0) {
            return Err(Fault::OptionalEmpty.at(place));
        }
        Ok(part)
    }
}

/// A set whose place in a part is not yet known.
enum Raw {
    Characters(Alphabet, Option<(usize, usize)>),
    Set(Set),
}

fn body(value: Raw, token: Option<Raw>, is_kept: bool, place: Place) -> Result<Body, GrammarError> {
    let token_place = place.key("token");
    let body = match (value, token) {
        (Raw::Characters(alphabet, length), None) => {
            let run = run(alphabet.clone(), alphabet, length, place)?;
            if is_kept {
                Body::Kept(Kept::Run(run))
            } else {
                Body::Run(run)
            }
        }
        (Raw::Set(set), None) if is_kept => Body::Kept(Kept::Whole(set)),
        (Raw::Set(set), None) => Body::Whole {
            value: set.clone(),
            token: set,
        },
        (Raw::Characters(value, length), Some(Raw::Characters(token, token_length)))
            if token_length.is_none() || token_length == length =>
        {
            Body::Run(run(value, token, length, place)?)
        }
        (value, Some(token)) => Body::Whole {
            value: value.whole(place)?,
            token: token.whole(token_place)?,
        },
    };
    Ok(body)
}

impl Raw {
    fn whole(self, place: Place) -> Result<Set, GrammarError> {
        let place = place.key(if place.key.is_empty() {
            "length"
        } else {
            place.key
        });
        match self {
            Self::Set(set) => Ok(set),
            Self::Characters(alphabet, Some((least, most))) if least == most => {
                let word = Word::new(alphabet, least);
                Ok(Set::Word(
                    word.ok_or_else(|| Fault::WholeTooLarge.at(place))?,
                ))
            }
            Self::Characters(..) => Err(Fault::LengthVaries.at(place)),
        }
    }
}

fn run(
    value: Alphabet,
    token: Alphabet,
    length: Option<(usize, usize)>,
    place: Place,
) -> Result<Run, GrammarError> {
    let missing = Fault::OptionMissing { kind: "class" };
    let (length_least, length_most) = length.ok_or_else(|| missing.at(place.key("length")))?;
    Ok(Run {
        length_least,
        length_most,
        value,
        token,
    })
}

/// The only kind that is set.
fn kind(spec: &PartSpec, place: Place) -> Result<&'static str, GrammarError> {
    let mut kinds = spec
        .options()
        .into_iter()
        .filter(|option| KINDS.contains(option));
    match (kinds.next(), kinds.next()) {
        (None, _) => Err(Fault::KindMissing.at(place)),
        (Some(kind), None) => Ok(kind),
        (Some(first), Some(second)) => Err(Fault::KindsTooMany { first, second }.at(place)),
    }
}

/// The set of a kind. Without a layout, dates have the `usual_layout`.
fn raw(
    spec: &PartSpec,
    kind: &'static str,
    usual_layout: Option<&str>,
    spelling: &Spelling,
    place: Place,
) -> Result<Raw, GrammarError> {
    refuse_options(spec, kind, place)?;
    // Inside `token`, the key that is named stays `token`.
    let key = |key| {
        if place.key.is_empty() {
            place.key(key)
        } else {
            place
        }
    };
    let own = key(kind);
    if let Some(text) = &spec.literal {
        return texts(std::slice::from_ref(text), spelling, own);
    }
    if let Some(options) = &spec.one_of {
        return texts(options, spelling, own);
    }
    if let Some(integers) = &spec.integer {
        let ranges = match integers {
            IntegersSpec::Range(range) => std::slice::from_ref(range),
            IntegersSpec::Ranges(ranges) => ranges,
        };
        let integers = Integers::new(ranges, spec.width).map_err(|fault| fault.at(own))?;
        return Ok(Raw::Set(Set::Integers(integers)));
    }
    if let Some(dates) = &spec.date {
        let layout = spec.layout.as_deref().or(usual_layout);
        let layout = layout.ok_or_else(|| Fault::OptionMissing { kind }.at(key("layout")))?;
        let pieces = pieces(layout, spelling).map_err(|fault| fault.at(key("layout")))?;
        let ranges = match dates {
            DatesSpec::Range(range) => std::slice::from_ref(range),
            DatesSpec::Ranges(ranges) => ranges,
        };
        let dates = Dates::new(ranges, &pieces).map_err(|fault| fault.at(own))?;
        return Ok(Raw::Set(Set::Dates(dates)));
    }
    let alphabet = match (&spec.class, &spec.alphabet) {
        (Some(name), _) => {
            Alphabet::named(name).unwrap_or_else(|| Err(Fault::ClassUnknown { name: name.clone() }))
        }
        (None, characters) => Alphabet::new(characters.as_deref().unwrap_or_default()),
    };
    let alphabet = alphabet.map_err(|fault| fault.at(own))?;
    let members: String = alphabet.characters().iter().collect();
    spelling.check(&members).map_err(|fault| fault.at(own))?;
    let length = spec.length.map(length).transpose();
    Ok(Raw::Characters(
        alphabet,
        length.map_err(|fault| fault.at(key("length")))?,
    ))
}

fn texts(texts: &[String], spelling: &Spelling, place: Place) -> Result<Raw, GrammarError> {
    for text in texts {
        spelling.check(text).map_err(|fault| fault.at(place))?;
    }
    let texts = Texts::new(texts).map_err(|fault| fault.at(place))?;
    Ok(Raw::Set(Set::Texts(texts)))
}

fn pieces(layout: &str, spelling: &Spelling) -> Result<Vec<Piece>, Fault> {
    let pieces = Piece::parse(layout)?;
    for piece in &pieces {
        if let Piece::Separator { character, .. } = piece {
            spelling.check(character.encode_utf8(&mut [0; 4]))?;
        }
    }
    Ok(pieces)
}

fn length(spec: LengthSpec) -> Result<(usize, usize), Fault> {
    let (least, most) = match spec {
        LengthSpec::Exact(length) => (length, length),
        LengthSpec::Range([least, most]) => (least, most),
    };
    if least > most {
        return Err(Fault::RangeReversed);
    }
    if most == 0 {
        return Err(Fault::SetEmpty);
    }
    if most > RUN_LENGTH_MAX {
        return Err(Fault::LengthTooLong {
            length_max: RUN_LENGTH_MAX,
        });
    }
    Ok((least, most))
}

fn refuse_options(spec: &PartSpec, kind: &'static str, place: Place) -> Result<(), GrammarError> {
    let own: &[&str] = match kind {
        "literal" => &["optional", "token"],
        "one_of" => &["optional", "token", "keep"],
        "class" | "alphabet" => &["optional", "token", "keep", "length"],
        "integer" => &["optional", "token", "keep", "width"],
        _ => &["optional", "token", "keep", "layout"],
    };
    for option in spec.options() {
        if option != kind && !own.contains(&option) {
            return Err(Fault::OptionUnexpected { kind }.at(place.key(option)));
        }
    }
    Ok(())
}

const KINDS: [&str; 7] = [
    "literal", "one_of", "class", "alphabet", "integer", "date", "check",
];

const RUN_LENGTH_MAX: usize = 64;
