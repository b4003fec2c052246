//! Connections that others open to us: how many there may be, of everybody and of one address.

mod listener;
mod seats;

pub use listener::ConnectionLimits;
pub use listener::Listener;
pub use seats::Seat;
pub use seats::Seats;
