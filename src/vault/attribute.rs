//! Which field a record is of. The record itself does not say: what is sealed in it is bound to
//! the field's name, so only the right one opens it.

use crate::crypto::Fingerprint;
use crate::crypto::RecordName;
use crate::domain::FieldName;
use crate::store::Record;
use crate::store::RecordId;
use crate::vault::answer::Item;
use crate::vault::error::ItemError;
use crate::vault::read::Workplace;

impl Workplace<'_> {
    /// The field of these that the record is of: the one under whose name its token key unwraps.
    ///
    /// Costs one opening of 48 bytes for each field that it is not. A wrong name opens a record
    /// with a chance of 2^-128. What is unwrapped is dropped at once, and opens nothing here.
    ///
    /// # Errors
    ///
    /// If the record's key version opens nothing any more, or none of the fields is the record's:
    /// it is damaged, it is erased, or its field is no longer among them.
    pub(super) fn field_of<'f>(
        &self,
        fields: impl Iterator<Item = &'f FieldName>,
        id: RecordId,
        record: &Record,
    ) -> Item<FieldName> {
        let wrapping = self
            .keys
            .wrapping()
            .version(record.wrapping_version)
            .ok_or(ItemError::KeyDestroyed)?;
        let mut fields = fields;
        let own = fields.find(|field| {
            let name = self.record_name(field, id);
            wrapping.unwrap(&name, &record.wrapped).is_ok()
        });
        own.cloned().ok_or(ItemError::Damaged)
    }

    /// A record's place, as what is sealed for it is bound to it.
    pub(super) fn record_name<'f>(&'f self, field: &'f FieldName, id: RecordId) -> RecordName<'f> {
        RecordName {
            namespace: self.namespace,
            field,
            record_id: Fingerprint::from_bytes(id.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::KeyBytes;
    use crate::crypto::RootKey;
    use crate::crypto::SystemEntropy;
    use crate::crypto::TokenKey;
    use crate::domain::Fidelity;
    use crate::domain::KeyVersion;
    use crate::domain::Namespace;
    use crate::domain::Timestamp;
    use crate::keys::Keyring;
    use crate::store::NamespaceId;
    use crate::store::RecordState;

    #[test]
    fn only_its_own_field_opens_a_record() {
        let namespace = Namespace::new("shop").unwrap();
        let root = RootKey::new(&KeyBytes::from_array(&[7; 32]));
        let namespaces = [namespace.clone()];
        let keys = Keyring::create(&root, &namespaces, Timestamp::default(), &SystemEntropy);
        let keyring = Keyring::open(&root, &keys.unwrap()).unwrap();
        let workplace = Workplace {
            namespace: &namespace,
            id: NamespaceId(1),
            keys: keyring.namespace(&namespace).unwrap(),
        };
        let fields = ["address", "email", "name"].map(|name| FieldName::new(name).unwrap());
        let id = RecordId([3; 16]);
        let name = workplace.record_name(&fields[1], id);
        let key = TokenKey::generate(&SystemEntropy);
        let wrapped = workplace
            .keys
            .wrapping()
            .active()
            .wrap(&name, &key)
            .unwrap();
        let mut record = Record {
            layout_version: 1,
            fidelity: Fidelity::Shape,
            outline_size: 0,
            state: RecordState::Live,
            wrapping_version: KeyVersion::FIRST,
            token_version: KeyVersion::FIRST,
            value_index: None,
            created: Timestamp::default(),
            expires: None,
            wrapped,
            subject: Vec::new(),
            residue: Vec::new(),
            token: Vec::new(),
            successor: None,
        };
        let of = |fields: &[FieldName], id, record: &Record| {
            workplace.field_of(fields.iter(), id, record)
        };
        assert_eq!(of(&fields, id, &record), Ok(fields[1].clone()));
        let others = [fields[0].clone(), fields[2].clone()];
        assert_eq!(of(&others, id, &record), Err(ItemError::Damaged));
        assert_eq!(
            of(&fields, RecordId([4; 16]), &record),
            Err(ItemError::Damaged)
        );
        record.wrapping_version = KeyVersion::new(2).unwrap();
        assert_eq!(of(&fields, id, &record), Err(ItemError::KeyDestroyed));
    }
}
