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

pub use action::{Action, Request};
pub use permitted::{Denied, Permit, Permitted};
pub use rule::{CaseRequirement, FieldSelection, Policy, Rule};
