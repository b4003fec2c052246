//! What the fuzz targets share: reading their input, the round trip of a value, and the faults that
//! are planted to see that each target finds one.

#[path = "../../tests/round_trip/mod.rs"]
mod round_trip;

pub mod fault;
pub mod identifiers;
pub mod input;
pub mod structured;
pub mod values;
