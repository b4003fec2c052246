//! Which product format a text is of: the field's only one, or that of its country.

use std::sync::OnceLock;

use zeroize::Zeroizing;

use super::IdentifierError;
use super::IdentifierSpec;
use crate::format::builtin::Mode;
use crate::format::builtin::card;
use crate::format::builtin::card::CardKeep;
use crate::format::builtin::date_of_birth;
use crate::format::builtin::iban;
use crate::format::builtin::national_id::Scheme;
use crate::format::builtin::phone;
use crate::format::builtin::phone::reading::Region;
use crate::format::error::FormatError;
use crate::format::product::GrammarSpec;
use crate::format::product::Product;

/// The product formats of a field.
pub(super) enum Family {
    /// Cards: one format, and what brands say of lengths.
    Card { product: Product, keep: CardKeep },
    /// A format for each country that has IBANs.
    Iban(Countries<&'static str>),
    /// One format.
    One(Product),
    /// A format for each calling code.
    Phone {
        codes: Countries<u16>,
        /// Whose national spellings are read.
        region: Option<Region>,
    },
}

/// Formats by country, each compiled when it is first asked for.
pub(super) struct Countries<K> {
    mode: Mode,
    formats: Vec<(K, OnceLock<Option<Product>>)>,
}

impl Family {
    pub(super) fn new(spec: &IdentifierSpec) -> Result<Self, IdentifierError> {
        Ok(match spec {
            IdentifierSpec::Card { keep, mode } => Self::Card {
                product: Product::new(&card::grammar(*keep, *mode))?,
                keep: *keep,
            },
            IdentifierSpec::Custom(grammar) => Self::One(Product::new(grammar)?),
            IdentifierSpec::DateOfBirth { layout } => {
                Self::One(Product::new(&date_of_birth::grammar(*layout))?)
            }
            IdentifierSpec::Iban { mode } => Self::Iban(Countries::new(*mode, iban::countries())),
            IdentifierSpec::NationalId { scheme } => {
                let scheme = Scheme::named(scheme).ok_or(IdentifierError::SchemeUnknown)?;
                // A test reads every one of them.
                let grammar = scheme
                    .grammar()
                    .map_err(|_| IdentifierError::SchemeUnknown)?;
                Self::One(Product::new(&grammar)?)
            }
            IdentifierSpec::Phone { region, mode } => Self::Phone {
                codes: Countries::new(*mode, phone::marks::calling_codes().into_iter()),
                region: match region {
                    Some(name) => Some(Region::named(name).ok_or(IdentifierError::RegionUnknown)?),
                    None => None,
                },
            },
        })
    }

    /// The canonical form of a text, caps first.
    pub(super) fn canonical(&self, text: &str) -> Result<Zeroizing<String>, FormatError> {
        match self {
            Self::Card { product, .. } | Self::One(product) => product.canonical(text),
            Self::Iban(_) => Product::canonical_as(&iban::spelling(), text),
            Self::Phone { region, .. } => {
                let plain = Product::canonical_as(&GrammarSpec::default(), text)?;
                // What is no number stays as it is, for a field that takes such.
                Ok(phone::reading::canonical(&plain, *region).unwrap_or(plain))
            }
        }
    }

    /// The format of a text in canonical form, or of a folded token.
    pub(super) fn product_of(&self, text: &str) -> Option<&Product> {
        match self {
            Self::Card { product, .. } | Self::One(product) => Some(product),
            Self::Iban(countries) => countries
                .product(&iban::country_of(text)?, |country, mode| {
                    iban::grammar(country, mode)
                }),
            Self::Phone { codes, .. } => {
                let code = phone::calling_code(text)?;
                codes.product(&code, |code, mode| phone::grammar(*code, mode))
            }
        }
    }

    /// Whether a value that its format accepts is one for what else is known of such.
    pub(super) fn is_plausible(&self, canonical: &str) -> bool {
        match self {
            Self::Card { .. } => card::is_brand_length(canonical),
            Self::Iban(_) | Self::One(_) => true,
            // A text that is no number stays as it is, but may have as many digits as one.
            Self::Phone { .. } => phone::reading::canonical(canonical, None).is_some(),
        }
    }

    /// Whether tokens are marked by how they begin, where values may begin with anything.
    pub(super) fn is_marked_by_its_beginning(&self) -> bool {
        match self {
            Self::Phone { codes, .. } => codes.mode == Mode::Marked,
            Self::Card { .. } | Self::Iban(_) | Self::One(_) => false,
        }
    }

    /// Whether a text begins as only such a value does: digits alone are all kinds of numbers.
    pub(super) fn is_certainly_begun(&self, text: &str) -> bool {
        match self {
            Self::Phone { .. } => text.starts_with('+'),
            Self::Card { .. } | Self::Iban(_) | Self::One(_) => true,
        }
    }

    /// Whether a text is of the format for more than by chance.
    pub(super) fn is_certain(&self) -> bool {
        match self {
            Self::Card { .. } | Self::Iban(_) | Self::Phone { .. } => true,
            Self::One(product) => product.has_check(),
        }
    }

    /// A format of the family, to show what it does.
    pub(super) fn sample(&self) -> Option<&Product> {
        match self {
            Self::Card { product, .. } | Self::One(product) => Some(product),
            Self::Iban(_) => self.product_of("GB"),
            Self::Phone { .. } => self.product_of("+44"),
        }
    }

    /// What every token says of its value.
    pub(super) fn reveals(&self) -> Vec<String> {
        match self {
            Self::Card { keep, .. } => {
                let kept = match keep {
                    CardKeep::First6 => "the length, the first six digits",
                    CardKeep::Last4 => "the length, the last four digits",
                    CardKeep::Nothing => "the length",
                };
                vec![kept.to_owned()]
            }
            Self::One(product) => product.reveals(),
            Self::Iban(_) => vec!["the country, and with it the length".to_owned()],
            Self::Phone { .. } => vec!["the calling code, the length".to_owned()],
        }
    }

    /// What should be thought about.
    pub(super) fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Iban(countries) if countries.mode == Mode::Valid => Some(VALID),
            Self::Phone { codes, .. } if codes.mode == Mode::Valid => Some(VALID),
            Self::Card { product, .. } if !product.is_marked() => Some(VALID),
            Self::One(product) if !product.is_marked() => {
                Some("a token looks like a value, and may by chance be somebody's")
            }
            Self::Card { .. } | Self::Iban(_) | Self::One(_) | Self::Phone { .. } => None,
        }
    }

    /// What the format means. That of a family follows from its tables, which the format version
    /// freezes, and its mode.
    pub(super) fn digest(&self) -> [u8; 16] {
        let of_tables = |name: &[u8; 5], mode: Mode| {
            let mut digest = [0; 16];
            let named = name.iter().copied().chain([u8::from(mode == Mode::Marked)]);
            digest
                .iter_mut()
                .zip(named)
                .for_each(|(to, from)| *to = from);
            digest
        };
        match self {
            Self::Card { product, .. } | Self::One(product) => product.digest(),
            Self::Iban(countries) => of_tables(b"iban ", countries.mode),
            Self::Phone { codes, .. } => of_tables(b"phone", codes.mode),
        }
    }
}

impl<K: PartialEq> Countries<K> {
    fn new(mode: Mode, keys: impl Iterator<Item = K>) -> Self {
        Self {
            mode,
            formats: keys.map(|key| (key, OnceLock::new())).collect(),
        }
    }

    fn product(
        &self,
        key: &K,
        grammar: impl FnOnce(&K, Mode) -> Option<GrammarSpec>,
    ) -> Option<&Product> {
        let (_, format) = self.formats.iter().find(|(own, _)| own == key)?;
        // A test compiles every one of them.
        format
            .get_or_init(|| Product::new(&grammar(key, self.mode)?).ok())
            .as_ref()
    }
}

const VALID: &str = "tokens = \"valid\": a token passes for real, and may by chance be somebody's";
