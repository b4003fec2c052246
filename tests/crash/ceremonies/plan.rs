//! The ceremonies that are held, one after the other.

use counterfoil::ceremony::Operation;
use counterfoil::domain::KeyPurpose;
use counterfoil::protocol::OperationState;

use super::story::Step;
use super::story::shops;
use super::story::vaults;
use super::story::wrapping;
use super::wish::Wish;
use crate::testbed::Failure;

/// A ceremony with its steps, and how it ends.
pub(super) struct Ceremony {
    pub(super) wish: Wish,
    pub(super) steps: &'static [Step],
    pub(super) end: OperationState,
}

/// Every operation that a running vault carries out, each ready when its turn comes.
pub(super) fn plan() -> Result<Vec<Ceremony>, Failure> {
    let alone = [Step::Propose(1), Step::End].as_slice();
    let two = [Step::Propose(1), Step::Approve(2), Step::End].as_slice();
    let undone = [
        Step::Propose(2),
        Step::Approve(3),
        Step::Cancel(1),
        Step::Cancel(3),
    ]
    .as_slice();
    let of = |wish, steps: &'static [Step]| Ceremony {
        wish,
        steps,
        end: match steps.last() {
            Some(Step::Cancel(_)) => OperationState::Cancelled,
            _ => OperationState::Done,
        },
    };
    let token_fingerprint = |version| shops(KeyPurpose::TokenFingerprint, version);
    let value_fingerprint = |version| shops(KeyPurpose::ValueFingerprint, version);
    let audit_fingerprint = |version| vaults(KeyPurpose::AuditFingerprint, version);
    let audit_signing = |version| vaults(KeyPurpose::AuditSigning, version);
    let rotate = |key| Wish::Of(Operation::RotateKey(key));
    let destroy = |key| Wish::Of(Operation::DestroyKey(key));
    let compromise = |key| Wish::Of(Operation::CompromiseKey(key));
    Ok(vec![
        of(rotate(wrapping(1)?), alone),
        of(destroy(wrapping(1)?), undone),
        of(destroy(wrapping(1)?), two),
        of(Wish::Of(Operation::SuspendKey(wrapping(2)?)), alone),
        of(Wish::Of(Operation::ResumeKey(wrapping(2)?)), two),
        of(compromise(wrapping(3)?), alone),
        of(destroy(wrapping(3)?), two),
        of(rotate(audit_fingerprint(1)?), alone),
        of(destroy(audit_fingerprint(1)?), two),
        of(compromise(audit_fingerprint(2)?), alone),
        of(rotate(token_fingerprint(1)?), alone),
        of(compromise(token_fingerprint(2)?), alone),
        of(rotate(value_fingerprint(1)?), alone),
        of(Wish::Retokenization, two),
        of(Wish::Retokenization, undone),
        of(rotate(audit_signing(1)?), alone),
        of(destroy(audit_signing(1)?), two),
        of(Wish::Charter, undone),
        of(Wish::Charter, two),
        of(Wish::Erasure, undone),
        of(Wish::Erasure, two),
        of(Wish::Pruning, undone),
        of(Wish::Pruning, two),
    ])
}
