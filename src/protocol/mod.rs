//! The wire: messages and services of `proto/counterfoil/v1`, generated.
//!
//! Messages carry personal data and have no `Debug`; they stay at the edge, in `server/` and
//! `client/`, which convert them into the types of [`crate::domain`].

#[expect(
    missing_docs,
    clippy::too_many_lines,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    missing_debug_implementations,
    unused_qualifications,
    clippy::missing_errors_doc,
    reason = "generated code"
)]
mod generated {
    tonic::include_proto!("counterfoil.v1");
}

pub use generated::*;
