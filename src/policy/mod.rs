//! Who may do what to which field: the first gate of every request.
//!
//! Default deny. What is permitted travels inside [`Permitted`], which only this module makes, so
//! a request that skipped the gate does not compile:
//!
//! ```compile_fail,E0451
//! # use counterfoil::policy::Permitted;
//! let permitted = Permitted { request: (), permit: todo!() };
//! ```
//!
//! The rules here are the configuration's; a policy language takes their place behind the same
//! gate.

mod action;
mod permitted;
mod rule;

pub use action::Action;
pub use action::Request;
pub use permitted::Denied;
pub use permitted::Permit;
pub use permitted::Permitted;
pub use rule::CaseRequirement;
pub use rule::FieldSelection;
pub use rule::Policy;
pub use rule::Rule;
