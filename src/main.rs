//! The one binary. All behaviour is in the library.

fn main() {}
