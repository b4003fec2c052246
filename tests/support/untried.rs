//! What a test says that cannot try what it is for, since a program or a permission is missing.

use std::io::Write;

/// Says so, past the capture of the test's output: who reads the log must see it. Where everything
/// is said to be there (`COUNTERFOIL_TRY_ALL`, which `./dev test` sets), it is a failure.
pub(crate) fn not_tried(why: &str) {
    assert!(std::env::var_os(TRY_ALL).is_none(), "not tried: {why}");
    let _closed = writeln!(std::io::stderr(), "not tried: {why}");
}

const TRY_ALL: &str = "COUNTERFOIL_TRY_ALL";
