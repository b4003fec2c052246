//! Values of a batch, each as it would be alone.

use super::*;

/// A value of a batch.
struct Value {
    ff1: Ff1,
    tweak: Vec<u8>,
    rank: Rank,
    domain: DomainSize,
}

impl Value {
    fn random(bits: u32) -> Self {
        let domain = random_size(bits);
        Self {
            ff1: ff1(),
            tweak: vec![7; bits as usize % 50],
            rank: random_rank(&domain),
            domain,
        }
    }

    fn message(&self) -> Message<'_> {
        Message {
            ff1: &self.ff1,
            tweak: &self.tweak,
            rank: &self.rank,
            domain: &self.domain,
        }
    }
}

fn together(values: &[Value]) -> Vec<Result<Rank, Ff1Error>> {
    let messages: Vec<Message<'_>> = values.iter().map(Value::message).collect();
    Ff1::encipher_all(&messages)
}

/// Goal: whatever is in a batch, and however many, each value becomes what it becomes alone, and
/// comes back. Method: batches of every small count, of domains of every layout.
#[test]
fn batch_gives_what_each_value_gives_alone() {
    let mut bits = (20..700).step_by(23).cycle();
    for count in 0..40_usize {
        let mut values: Vec<Value> = (0..count)
            .map(|_| Value::random(bits.next().unwrap() + 1))
            .collect();
        let images = together(&values);
        assert_eq!(images.len(), count);
        for (value, image) in values.iter_mut().zip(images) {
            let alone = value.ff1.encipher(&value.tweak, &value.rank, &value.domain);
            let image = image.unwrap();
            assert!(image.equals(&alone.unwrap()));
            let rank = std::mem::replace(&mut value.rank, image);
            let back = value.ff1.decipher(&value.tweak, &value.rank, &value.domain);
            assert!(back.unwrap().equals(&rank));
        }
        let messages: Vec<Message<'_>> = values.iter().map(Value::message).collect();
        for (back, value) in Ff1::decipher_all(&messages).into_iter().zip(&values) {
            let alone = value.ff1.decipher(&value.tweak, &value.rank, &value.domain);
            assert!(back.unwrap().equals(&alone.unwrap()));
        }
    }
}

/// Goal: a walk of several steps ends where it would alone, whatever the other lanes do.
/// Method: a domain just above a power, where one value in 500 walks on.
#[test]
fn lanes_that_walk_on_come_back() {
    let domain = DomainSize::from_u64(1_000_001);
    let values: Vec<Value> = (0..4_000)
        .map(|number| Value {
            ff1: ff1(),
            tweak: Vec::new(),
            rank: Rank::from_u64(number),
            domain: domain.clone(),
        })
        .collect();
    let numerals = Numerals::of(&domain);
    let beyond = u64::from(numerals.radix).pow(numerals.count) - 1_000_001;
    assert!(beyond > 1_000);
    for (value, image) in values.iter().zip(together(&values)) {
        let image = image.unwrap();
        assert!(image.is_in(&domain));
        let alone = value.ff1.encipher(b"", &value.rank, &domain).unwrap();
        assert!(image.equals(&alone));
    }
}

#[test]
fn bad_item_fails_alone() {
    let mut values: Vec<Value> = (0..9).map(|_| Value::random(60)).collect();
    values[1].rank = last_rank(&random_size(70));
    values[4].domain = DomainSize::from_u64(999_999);
    values[5].tweak = vec![0; TWEAK_BYTES_MAX + 1];
    values[7].domain = random_size(16_385);
    let results = together(&values);
    let errors: Vec<Option<Ff1Error>> = results
        .iter()
        .map(|result| result.as_ref().err().copied())
        .collect();
    assert_eq!(
        errors,
        [
            None,
            Some(Ff1Error::RankOutsideDomain),
            None,
            None,
            Some(Ff1Error::DomainTooSmall),
            Some(Ff1Error::TweakTooLong),
            None,
            Some(Ff1Error::DomainTooLarge),
            None
        ]
    );
}
