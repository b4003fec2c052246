//! FF1 over fewer than 1,000,000 strings, which the crate refuses and old systems have used.
//!
//! Each half of such a string is a number below 2^20, so that the standard's algorithm is a few
//! lines of integers. Never for tokens: see [`super::SmallDomains`].

use aes::cipher::Block;
use aes::cipher::BlockCipherEncrypt;
use zeroize::Zeroizing;

use super::Direction;
use crate::domain::DOMAIN_SIZE_MIN;

/// Whether fewer than 1,000,000 strings of so many numerals exist.
pub(super) fn is_small(radix: u32, numerals_count: usize) -> bool {
    size(radix, numerals_count).is_some_and(|size| size < DOMAIN_SIZE_MIN)
}

/// Enciphers or deciphers a string. Nothing, if [`is_small`] does not hold for it.
///
/// Source: NIST SP 800-38G, algorithms 7 and 8.
pub(super) fn apply<C: BlockCipherEncrypt>(
    cipher: &C,
    direction: Direction,
    radix: u32,
    tweak: &[u8],
    numerals: &[u16],
) -> Option<Zeroizing<Vec<u16>>> {
    // 1. Let u = floor(n / 2); v = n - u.
    let (n, u) = (numerals.len(), numerals.len() / 2);
    // 2. Let A = X[1..u]; B = X[u + 1..n].
    let (a, b) = numerals.split_at_checked(u)?;
    let sizes = [size(radix, u)?, size(radix, n - u)?];
    let (mut a, mut b) = (number(radix, a), number(radix, b));
    // 3. Let b = ceil(ceil(v * LOG(radix)) / 8): as many bytes as the numbers of B need.
    let [_, size_b] = sizes;
    let bytes_count = (u64::BITS - (size_b - 1).leading_zeros()).div_ceil(8);
    let bytes_count = usize::try_from(bytes_count).ok()?;
    // 5. Let P = [1, 2, 1] || [radix] || [10] || [u mod 256] || [n] || [t].
    let [_, radix_bytes @ ..] = radix.to_be_bytes();
    let u_byte = u8::try_from(u % 256).ok()?;
    let n_bytes = u32::try_from(n).ok()?.to_be_bytes();
    let t_bytes = u32::try_from(tweak.len()).ok()?.to_be_bytes();
    let zeros_count = (16 - (tweak.len() + bytes_count + 1) % 16) % 16;
    // 6i. Let Q = T || [0]^((-t-b-1) mod 16) || [i] || [NUM(B, radix)].
    let mut head = Vec::with_capacity(32 + tweak.len());
    head.extend_from_slice(&[1, 2, 1]);
    head.extend_from_slice(&radix_bytes);
    head.extend_from_slice(&[ROUNDS, u_byte]);
    head.extend_from_slice(&n_bytes);
    head.extend_from_slice(&t_bytes);
    head.extend_from_slice(tweak);
    head.extend(std::iter::repeat_n(0, zeros_count));
    let [size_a, size_b] = sizes;
    for step in 0..ROUNDS {
        let round = match direction {
            Direction::Decrypt => ROUNDS - 1 - step,
            Direction::Encrypt => step,
        };
        // 6v. If i is even, let m = u; else, let m = v.
        let modulus = if round % 2 == 0 { size_a } else { size_b };
        let input = match direction {
            Direction::Decrypt => a,
            Direction::Encrypt => b,
        };
        let y = round_number(cipher, &head, round, input, bytes_count)? % modulus;
        match direction {
            // 6vi to 6ix. Let c = (NUM(A, radix) + y) mod radix^m; A = B; B = c.
            Direction::Encrypt => (a, b) = (b, (a + y) % modulus),
            // 6vi to 6ix. Let c = (NUM(B, radix) - y) mod radix^m; B = A; A = c.
            Direction::Decrypt => (a, b) = ((b + modulus - y) % modulus, a),
        }
    }
    // 7. Return A || B.
    let mut output = Zeroizing::new(Vec::with_capacity(n));
    push_numerals(&mut output, radix, u, a)?;
    push_numerals(&mut output, radix, n - u, b)?;
    Some(output)
}

/// 6ii to 6iv. Let R = PRF(P || Q); S be the first d bytes of R, where d is 8 for so small a
/// number; y = NUM(S).
fn round_number<C: BlockCipherEncrypt>(
    cipher: &C,
    head: &[u8],
    round: u8,
    half: u64,
    bytes_count: usize,
) -> Option<u64> {
    let half = half.to_be_bytes();
    let tail = half.get(half.len() - bytes_count..)?;
    let mut state = Zeroizing::new([0_u8; 16]);
    let mut place = 0;
    let bytes = head.iter().chain([&round]).chain(tail);
    for byte in bytes {
        if let Some(to) = state.get_mut(place) {
            *to ^= byte;
        }
        place += 1;
        if place == state.len() {
            let mut block = Block::<C>::default();
            block
                .iter_mut()
                .zip(&*state)
                .for_each(|(to, from)| *to = *from);
            cipher.encrypt_block(&mut block);
            state
                .iter_mut()
                .zip(&block)
                .for_each(|(to, from)| *to = *from);
            place = 0;
        }
    }
    state.first_chunk().map(|first| u64::from_be_bytes(*first))
}

fn size(radix: u32, numerals_count: usize) -> Option<u64> {
    let exponent = u32::try_from(numerals_count).ok()?;
    u64::from(radix).checked_pow(exponent)
}

/// NUM(X, radix).
fn number(radix: u32, numerals: &[u16]) -> u64 {
    let add = |number, numeral: &u16| number * u64::from(radix) + u64::from(*numeral);
    numerals.iter().fold(0, add)
}

/// STR(X, radix), most significant numeral first.
fn push_numerals(output: &mut Vec<u16>, radix: u32, count: usize, number: u64) -> Option<()> {
    for place in (0..count).rev() {
        let numeral = number / size(radix, place)? % u64::from(radix);
        output.push(u16::try_from(numeral).ok()?);
    }
    Some(())
}

const ROUNDS: u8 = 10;
