//! What can be frozen.

use std::fmt;

use crate::domain::CaseId;
use crate::domain::GrantId;
use crate::domain::Namespace;
use crate::domain::PersonId;
use crate::domain::Principal;

/// What is frozen: nothing of it is answered until it is unfrozen.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FreezeTarget {
    /// Every reveal and every question about values, of everybody. Tokens are still given out.
    AllReveals,
    /// Reveals for a case.
    Case(Namespace, CaseId),
    /// Every call with this client certificate: SHA-256 of its DER.
    Certificate([u8; 32]),
    /// Reveals under a grant.
    Grant(GrantId),
    /// Every reveal and every question about values in a namespace.
    Namespace(Namespace),
    /// Every call on behalf of a person.
    Person(PersonId),
    /// Every call of a principal.
    Principal(Principal),
}

impl FreezeTarget {
    /// Reads the text of a target: `all`, `case:NAMESPACE:CASE`, `certificate:SHA256`, `grant:ID`,
    /// `namespace:NAME`, `person:ISSUER/SUBJECT` or `principal:NAME`. Nothing if it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text == ALL {
            return Some(Self::AllReveals);
        }
        let (kind, name) = text.split_once(':')?;
        Some(match kind {
            "case" => {
                let (namespace, case) = name.split_once(':')?;
                Self::Case(Namespace::new(namespace).ok()?, CaseId::new(case).ok()?)
            }
            "certificate" => Self::Certificate(read_hash(name)?),
            "grant" => Self::Grant(GrantId::new(name).ok()?),
            "namespace" => Self::Namespace(Namespace::new(name).ok()?),
            "person" => Self::Person(PersonId::read(name).ok()?),
            "principal" => Self::Principal(Principal::new(name).ok()?),
            _ => return None,
        })
    }
}

impl fmt::Display for FreezeTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllReveals => formatter.write_str(ALL),
            Self::Case(namespace, case) => write!(formatter, "case:{namespace}:{case}"),
            Self::Certificate(hash) => write!(formatter, "certificate:{}", hex::encode(hash)),
            Self::Grant(id) => write!(formatter, "grant:{id}"),
            Self::Namespace(namespace) => write!(formatter, "namespace:{namespace}"),
            Self::Person(person) => write!(formatter, "person:{person}"),
            Self::Principal(principal) => write!(formatter, "principal:{principal}"),
        }
    }
}

/// Reads 64 hexadecimal digits in lower case: a hash has one spelling.
fn read_hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).ok()?;
    (hex::encode(hash) == text).then_some(hash)
}

const ALL: &str = "all";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_has_one_text() {
        let certificate = format!("certificate:{}", "0a".repeat(32));
        for text in [
            "all",
            "case:shop:T:1",
            &certificate,
            "grant:g-1",
            "namespace:shop",
            "person:acme/24:8",
            "principal:spiffe://a.example/b",
        ] {
            assert_eq!(FreezeTarget::read(text).unwrap().to_string(), text);
        }
        let upper = format!("certificate:{}", "0A".repeat(32));
        for text in [
            "",
            "All",
            "case:shop",
            "shop",
            "person:ada",
            "token:x",
            &upper,
        ] {
            assert_eq!(FreezeTarget::read(text), None, "{text}");
        }
    }
}
