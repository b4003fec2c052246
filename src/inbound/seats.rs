//! Places among the connections that a listener takes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

/// How many connections each address has.
#[derive(Debug)]
pub struct Seats {
    all_max: usize,
    per_peer_max: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// A place among the connections that a listener takes. Dropping it gives it back.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Seats {
    /// So many for everybody together, and so many for one address.
    #[must_use]
    pub fn new(all_max: usize, per_peer_max: usize) -> Arc<Self> {
        Arc::new(Self {
            all_max,
            per_peer_max,
            taken: Mutex::default(),
        })
    }

    /// Takes a place, if there is one for this address.
    #[must_use]
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Seat> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let own = taken.get(&address).copied().unwrap_or(0);
        if all >= self.all_max || own >= self.per_peer_max {
            return None;
        }
        taken.insert(address, own + 1);
        Some(Seat {
            seats: Arc::clone(self),
            address,
        })
    }
}

impl Seat {
    /// Where the connection comes from.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self
            .seats
            .taken
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_more_than_their_part_and_all_give_back() {
        let seats = Seats::new(3, 2);
        let [one, other] = [1, 2].map(|last| IpAddr::from([127, 0, 0, last]));
        let (first, second) = (seats.take(one), seats.take(one));
        assert!(first.is_some() && second.is_some());
        assert!(seats.take(one).is_none());
        let third = seats.take(other);
        assert!(third.is_some());
        assert!(seats.take(other).is_none());
        drop(first);
        assert!(seats.take(other).is_some());
        drop((second, third));
        assert!(seats.taken.lock().unwrap().is_empty());
    }
}
