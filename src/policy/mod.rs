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
//! Policies are written in Cedar, and validated against `schema.cedarschema` before they take
//! effect. The rules of the configuration are a shorthand: they are translated into Cedar. A
//! policy that fails to evaluate denies the request.

mod action;
mod attributes;
mod context;
mod engine;
mod error;
mod explain;
mod handle;
mod load;
mod permitted;
mod plain;
mod request;
mod rule;
mod source;
mod summary;
#[cfg(test)]
mod tests;
mod world;

pub use action::Action;
pub use action::Target;
pub use engine::Policy;
pub use error::PolicyError;
pub use explain::Explanation;
pub use explain::Question;
pub use handle::PolicyHandle;
pub use load::SCHEMA;
pub use permitted::Coverage;
pub use permitted::Denied;
pub use permitted::Permit;
pub use permitted::Permitted;
pub use request::CaseFacts;
pub use request::Circumstances;
pub use request::GrantFacts;
pub use request::Proposal;
pub use request::Request;
pub use request::Scope;
pub use rule::CaseRequirement;
pub use rule::FieldSelection;
pub use rule::Rule;
pub use source::FieldFacts;
pub use source::PolicyFile;
pub use source::PolicySources;
pub use summary::PolicySummary;
