//! The one binary. All behaviour is in the library.

use counterfoil::cli;

fn main() -> cli::Exit {
    cli::run()
}
