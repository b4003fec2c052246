//! Whether FF1 is FF1 on this machine: asked at every start, before anything is served.
//!
//! The kernel computes with whichever instructions the processor has. A wrong result, by a fault
//! of a processor, a compiler or a crate, would be tokens that never open again. So a start
//! enciphers and deciphers values of every kind of layout, alone and in a batch, and compares them
//! with the `fpe` crate and with answers that were computed elsewhere.

use thiserror::Error;

use super::Direction;
use super::Ff1;
use super::Ff1Error;
use super::Message;
use super::reference;
use crate::crypto::KeyBytes;
use crate::crypto::TokenKey;
use crate::domain::DomainSize;
use crate::domain::Rank;

/// FF1 computes something else than FF1 on this machine.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "self-test of FF1 failed: this machine computes it wrongly\n\
     remedy: start on another machine, and check this one's processor and memory"
)]
pub struct SelfTestError;

/// Computes FF1 of fixed values, for less than a millisecond.
///
/// # Errors
///
/// If one of them comes out otherwise than it must: then no token may be made or opened.
pub fn self_test() -> Result<(), SelfTestError> {
    [together as Implementation, alone]
        .into_iter()
        .try_for_each(check)
}

/// FF1 of a batch, however it is computed.
type Implementation = fn(Direction, &[Message<'_>]) -> Vec<Result<Rank, Ff1Error>>;

fn together(direction: Direction, messages: &[Message<'_>]) -> Vec<Result<Rank, Ff1Error>> {
    match direction {
        Direction::Decrypt => Ff1::decipher_all(messages),
        Direction::Encrypt => Ff1::encipher_all(messages),
    }
}

fn alone(direction: Direction, messages: &[Message<'_>]) -> Vec<Result<Rank, Ff1Error>> {
    let apply = |message: &Message<'_>| {
        let Message {
            ff1,
            tweak,
            rank,
            domain,
        } = *message;
        ff1.apply(direction, tweak, rank, domain)
    };
    messages.iter().map(apply).collect()
}

fn check(implementation: Implementation) -> Result<(), SelfTestError> {
    let mut values = compared_values()?;
    values.extend(known_values());
    let enciphered = implementation(Direction::Encrypt, &messages(&values, |value| &value.rank));
    let deciphered = implementation(Direction::Decrypt, &messages(&values, |value| &value.image));
    let is_right = |result: &Result<Rank, Ff1Error>, expected: &Rank| {
        result.as_ref().is_ok_and(|rank| rank.equals(expected))
    };
    let all_right = values.len() == enciphered.len()
        && values.len() == deciphered.len()
        && values
            .iter()
            .zip(enciphered.iter().zip(&deciphered))
            .all(|(value, (image, rank))| {
                is_right(image, &value.image) && is_right(rank, &value.rank)
            });
    all_right.then_some(()).ok_or(SelfTestError)
}

/// A value and what it must become.
struct Value {
    ff1: Ff1,
    tweak: &'static [u8],
    domain: DomainSize,
    rank: Rank,
    image: Rank,
}

fn messages(values: &[Value], rank: fn(&Value) -> &Rank) -> Vec<Message<'_>> {
    let message = |value| Message {
        rank: rank(value),
        ff1: &value.ff1,
        tweak: value.tweak,
        domain: &value.domain,
    };
    values.iter().map(message).collect()
}

/// The first, the last and one other value of each domain, each under a key of its own, with what
/// the `fpe` crate makes of them.
fn compared_values() -> Result<Vec<Value>, SelfTestError> {
    let mut values = Vec::new();
    let mut key = [0_u8; KeyBytes::LENGTH];
    for (radix, count) in DOMAINS {
        let mut domain = DomainSize::one();
        (0..count).for_each(|_| domain.multiply(radix));
        for (multiplier, offset) in [(0, 0), (0, radix - 1), (7, 3)] {
            let mut rank = Rank::zero(&domain);
            (0..count).for_each(|place| {
                rank.multiply_add(radix, (multiplier * place + offset) % radix);
            });
            let number = u8::try_from(values.len()).unwrap_or(u8::MAX);
            key = key.map(|byte| byte.wrapping_mul(5).wrapping_add(number).rotate_left(3));
            let key = KeyBytes::from_array(&key);
            let tweak = TWEAKS
                .get(usize::from(number) % TWEAKS.len())
                .copied()
                .unwrap_or_default();
            let image = reference::walk(&key, Direction::Encrypt, tweak, &rank, &domain);
            values.push(Value {
                ff1: Ff1::under(&key),
                tweak,
                rank,
                image: image.ok_or(SelfTestError)?,
                domain: domain.clone(),
            });
        }
    }
    Ok(values)
}

/// Values computed with an FF1 written in Python from the standard, with OpenSSL's AES.
fn known_values() -> [Value; 2] {
    let mut domain = DomainSize::one();
    (0..20).for_each(|_| domain.multiply(26));
    let image = vec![15_930_290_542_835_047_587, 765_318_662];
    [
        (DomainSize::from_u64(1_000_003), vec![142_275]),
        (domain, image),
    ]
    .map(|(domain, image)| Value {
        ff1: Ff1::new(&TokenKey::new(KeyBytes::from_array(&[1; KeyBytes::LENGTH]))),
        tweak: b"tweak",
        domain,
        rank: Rank::from_u64(42),
        image: Rank::from_limbs(zeroize::Zeroizing::new(image)),
    })
}

/// Domains of radix^count values, some for each layout and up to 1,300 bits.
const DOMAINS: [(u32, u32); 9] = [
    (1_000_003, 1),
    (26, 12),
    (26, 20),
    (2, 128),
    (10, 45),
    (2, 192),
    (10, 60),
    (26, 200),
    (10, 400),
];

/// Tweaks that end in, at and behind a block.
const TWEAKS: [&[u8]; 4] = [&[], &[1; 9], &[2; 32], &[3; 45]];

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn this_machine_passes() {
        assert_eq!(self_test(), Ok(()));
    }

    /// An FF1 that is wrong in one bit of one value: the last of those that the test asks for.
    fn wrong_once(direction: Direction, messages: &[Message<'_>]) -> Vec<Result<Rank, Ff1Error>> {
        let mut results = together(direction, messages);
        if direction == Direction::Encrypt
            && let Some(Ok(rank)) = results.last_mut()
        {
            *rank = Rank::from_limbs(Zeroizing::new(vec![rank.expose_limbs()[0] ^ 1]));
        }
        results
    }

    /// An FF1 that deciphers nothing but the first value.
    fn short_of_results(
        direction: Direction,
        messages: &[Message<'_>],
    ) -> Vec<Result<Rank, Ff1Error>> {
        let mut results = together(direction, messages);
        if direction == Direction::Decrypt {
            results.truncate(1);
        }
        results
    }

    /// An FF1 with its halves' places changed, wherever there is a domain of two words or more.
    fn other_permutation(
        direction: Direction,
        messages: &[Message<'_>],
    ) -> Vec<Result<Rank, Ff1Error>> {
        let other = match direction {
            Direction::Decrypt => Direction::Encrypt,
            Direction::Encrypt => Direction::Decrypt,
        };
        let right = together(direction, messages).into_iter();
        let wrong = together(other, messages).into_iter();
        right
            .zip(wrong)
            .zip(messages)
            .map(|((right, wrong), message)| match message.domain.bits() {
                129.. => wrong,
                _ => right,
            })
            .collect()
    }

    #[test]
    fn planted_faults_are_found() {
        for faulty in [
            wrong_once as Implementation,
            short_of_results,
            other_permutation,
        ] {
            assert_eq!(check(faulty), Err(SelfTestError));
        }
    }
}
