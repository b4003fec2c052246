//! Connections that others open to us: how many there may be, of everybody and of one address.

mod seats;

pub use seats::Seat;
pub use seats::Seats;
