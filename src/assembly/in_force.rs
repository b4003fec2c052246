//! What is stored of officers and keys must be what the log says is in force.

use crate::assembly::error::AssemblyError;
use crate::audit;
use crate::audit::InForce;
use crate::ceremony::Charter;
use crate::keys::Keyring;
use crate::store::Store;
use crate::vault::Register;
use crate::vault::read_charter;

/// The charter and the register in the database, which must be those that the log names last. A
/// log from before there was a register names none. Whoever calls this sees that the log is the one
/// that was signed.
pub(super) fn check_in_force(
    store: &dyn Store,
    keyring: &Keyring,
) -> Result<InForce, AssemblyError> {
    let said = audit::in_force(store)?;
    let charter = read_charter(store, keyring)?.as_ref().map(Charter::digest);
    if charter != said.charter {
        return Err(AssemblyError::CharterReplaced);
    }
    let register = Register::read(store, keyring)?.digest();
    if said.register.is_some_and(|said| said != register) {
        return Err(AssemblyError::RegisterReplaced);
    }
    Ok(InForce {
        charter,
        register: Some(register),
    })
}
