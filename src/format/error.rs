//! Why a value, a token or a specification is refused. Never with its text: positions and limits
//! only.

use thiserror::Error;

/// Why a value is not in the format, or a token or residue does not belong to a record.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum FormatError {
    /// There is a control character that is not white space.
    #[error("value has a control character, at character {position}")]
    ControlCharacter {
        /// The position of the character, from 0.
        position: usize,
    },
    /// The residue was not written by this format.
    #[error("residue is not of this format")]
    CorruptResidue,
    /// A token has to have a tag for its value's domain, and the caller has not made it.
    #[error("domain tag is missing")]
    DomainTagMissing,
    /// The value is empty or white space.
    #[error("value is empty")]
    Empty,
    /// The value is not in the format: a part, its length or its check is wrong.
    #[error("value is not in the format")]
    Invalid,
    /// The value is not an e-mail address.
    #[error("value is not an e-mail address: {fault}")]
    InvalidEmail {
        /// What is wrong with it.
        fault: EmailFault,
    },
    /// A part of the value has a control character that is not white space.
    #[error("value has a control character in part {part}, at character {position}")]
    PartControlCharacter {
        /// The part, from 1, in the order of the field's configuration.
        part: usize,
        /// The position of the character in the part, from 0.
        position: usize,
    },
    /// The value, or the token to import, has a part that the field does not have.
    #[error("there is a part that the field does not have")]
    PartUnknown,
    /// The field's values and tokens have parts, and this one has none.
    #[error("parts are missing: this field takes parts")]
    PartsMissing,
    /// The field's values and tokens have no parts, and this one has.
    #[error("parts are given: this field takes no parts")]
    PartsUnexpected,
    /// The rank is not below the size of its domain.
    #[error("rank is outside its domain")]
    RankOutsideDomain,
    /// The token does not have the shape that its record says.
    #[error("token is not of the record's shape, at character {position}")]
    ShapeMismatch {
        /// The position in the token, from 0.
        position: usize,
    },
    /// The value is longer than the format allows.
    #[error("value is longer than {length_max} {unit}")]
    TooLong {
        /// The most that the value may have.
        length_max: usize,
        /// Of what.
        unit: LengthUnit,
    },
}

/// What is wrong with an e-mail address.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum EmailFault {
    /// The part after the `@` is not a domain name.
    #[error("its domain is not a domain name")]
    Domain,
    /// The part before the `@` is neither a dot-atom nor a quoted string.
    #[error("its local part is neither a dot-atom nor a quoted string")]
    LocalPart,
    /// The part before the `@` has more than 64 octets.
    #[error("its local part is longer than 64 octets")]
    LocalPartTooLong,
    /// There is no unquoted `@`.
    #[error("it has no @")]
    NoSeparator,
}

/// In which unit a length is limited.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum LengthUnit {
    /// Unicode scalar values.
    #[error("characters")]
    Characters,
    /// Lines.
    #[error("lines")]
    Lines,
    /// Bytes of UTF-8.
    #[error("octets")]
    Octets,
}

/// Why a field's format is refused. For the operator: what is wrong, then what to do.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum FormatSpecError {
    /// A field of another kind has a choice of domains.
    #[error("domain is for e-mail fields only\nremove it")]
    DomainUnexpected,
    /// A kind without words has their length hidden.
    #[error("length `bucket` is for kinds that have words\nset length to `exact`")]
    LengthUnexpected,
    /// The fidelity `opaque` is not served by any format.
    #[error("fidelity `opaque` is not supported\nset fidelity to `shape` or `outline`")]
    OpaqueUnsupported,
    /// One of the operator's own domains is not a domain name.
    #[error("own_domains[{position}] is not a domain name\nwrite it like `acme.example`")]
    OwnDomainInvalid {
        /// Its position, from 0.
        position: usize,
    },
    /// One of the operator's own domains leaves no room for a local part within 254 octets.
    #[error("own_domains[{position}] is longer than {octets_max} octets\nremove it")]
    OwnDomainTooLong {
        /// Its position, from 0.
        position: usize,
        /// The most octets that it may have.
        octets_max: usize,
    },
    /// No domain is the operator's own, so that there is none to keep.
    #[error("own_domains is empty\nlist your own domains, or set domain to `replace`")]
    OwnDomainsMissing,
    /// The token domain is not a domain name.
    #[error(
        "token_domain is not a domain name\n\
         set it to a subdomain of your own with a null MX, or to a reserved one such as \
         `tok.example`"
    )]
    TokenDomainInvalid,
    /// The token domain has mailboxes.
    #[error(
        "token_domain is one of own_domains\n\
         set it to a domain that takes no mail, such as a subdomain with a null MX"
    )]
    TokenDomainIsOwn,
    /// An e-mail field has no token domain.
    #[error(
        "token_domain is missing\n\
         set it to a subdomain of your own with a null MX, or to a reserved one such as \
         `tok.example`"
    )]
    TokenDomainMissing,
    /// The token domain leaves no room for a local part within 254 octets.
    #[error("token_domain is longer than {octets_max} octets\nset it to a shorter domain name")]
    TokenDomainTooLong {
        /// The most octets that it may have.
        octets_max: usize,
    },
    /// A field of another kind has a token domain.
    #[error("token_domain is for e-mail fields only\nremove it")]
    TokenDomainUnexpected,
}
