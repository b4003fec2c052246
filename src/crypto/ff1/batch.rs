//! Many values at once, each under a key of its own.

use std::rc::Rc;

use super::Direction;
use super::Ff1;
use super::Ff1Error;
use super::check;
use super::kernel;
use super::kernel::Job;
use super::kernel::Layout;
use super::layouts;
use crate::domain::DomainSize;
use crate::domain::Rank;

/// One value of a batch: what [`Ff1::encipher`] takes.
#[derive(Clone, Copy)]
#[expect(
    missing_debug_implementations,
    reason = "personal data must not reach a log"
)]
pub struct Message<'a> {
    /// FF1 under the value's own key.
    pub ff1: &'a Ff1,
    /// What the token is bound to.
    pub tweak: &'a [u8],
    /// The value's place in its domain.
    pub rank: &'a Rank,
    /// The size of its domain.
    pub domain: &'a DomainSize,
}

impl Ff1 {
    /// Enciphers values of a batch, with a result for each, in their order. Each comes out as
    /// [`Ff1::encipher`] would make it; together they cost less, since values of up to 192 bits
    /// go four at a time. Keys, tweaks and domains may be the same or different.
    #[must_use]
    pub fn encipher_all(messages: &[Message<'_>]) -> Vec<Result<Rank, Ff1Error>> {
        apply_all(Direction::Encrypt, messages)
    }

    /// Deciphers values of a batch: the inverse of [`Ff1::encipher_all`].
    #[must_use]
    pub fn decipher_all(messages: &[Message<'_>]) -> Vec<Result<Rank, Ff1Error>> {
        apply_all(Direction::Decrypt, messages)
    }
}

fn apply_all(direction: Direction, messages: &[Message<'_>]) -> Vec<Result<Rank, Ff1Error>> {
    let layouts: Vec<Result<Rc<Layout>, Ff1Error>> = messages.iter().map(layout_of).collect();
    let mut results = Vec::with_capacity(messages.len());
    let (mut jobs, mut positions) = (Vec::new(), Vec::new());
    for (position, (message, layout)) in messages.iter().zip(&layouts).enumerate() {
        match layout {
            Ok(layout) => {
                let job = Job {
                    layout,
                    direction,
                    tweak: message.tweak,
                    rank: message.rank.expose_limbs(),
                    domain: message.domain.limbs(),
                };
                jobs.push((&message.ff1.cipher, job));
                positions.push(position);
                // Until it arrives.
                results.push(Err(Ff1Error::WalkTooLong));
            }
            Err(error) => results.push(Err(*error)),
        }
    }
    kernel::walk_all(&jobs, |job, words| {
        let position = positions.get(job).copied().unwrap_or(usize::MAX);
        if let (Some(result), Some(words)) = (results.get_mut(position), words) {
            *result = Ok(Rank::from_limbs(words));
        }
    });
    results
}

fn layout_of(message: &Message<'_>) -> Result<Rc<Layout>, Ff1Error> {
    check(message.tweak, message.rank, message.domain)?;
    layouts::of_domain(message.domain).ok_or(Ff1Error::DomainTooLarge)
}
