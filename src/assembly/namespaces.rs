//! The namespaces of a vault: their numbers in stored keys, kept in one row of the store, and their
//! fields.

use std::collections::BTreeMap;
use std::collections::HashMap;

use crate::assembly::error::AssemblyError;
use crate::assembly::formats;
use crate::config::Config;
use crate::config::FieldConfig;
use crate::config::NamespaceConfig;
use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::keys::Keyring;
use crate::store::NamespaceId;
use crate::store::RowChange;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Table;
use crate::vault::Field;
use crate::vault::NamespaceFields;

/// The numbers of all namespaces that the vault has ever had. A number is never used again.
#[derive(Clone, Debug, Default)]
pub(super) struct NamespaceIds {
    ids: BTreeMap<Namespace, NamespaceId>,
    stored: Option<Vec<u8>>,
}

impl NamespaceIds {
    pub(super) fn read(store: &dyn Store) -> Result<Self, StoreError> {
        let rows = store.rows(Table::Meta, None, META_ROWS_MAX)?;
        let stored = rows
            .into_iter()
            .find(|(key, _)| key == ROW_KEY)
            .map(|(_, value)| value);
        let Some(bytes) = &stored else {
            return Ok(Self::default());
        };
        let corrupt = || StoreError::Corrupt { table: "meta" };
        let numbers: BTreeMap<String, u32> =
            serde_json::from_slice(bytes).map_err(|_| corrupt())?;
        let id = |(name, number): (String, u32)| {
            Namespace::new(&name).map(|name| (name, NamespaceId(number)))
        };
        let ids = numbers
            .into_iter()
            .map(id)
            .collect::<Result<_, _>>()
            .map_err(|_| corrupt())?;
        Ok(Self { ids, stored })
    }

    pub(super) fn id(&self, namespace: &Namespace) -> Option<NamespaceId> {
        self.ids.get(namespace).copied()
    }

    /// Gives the namespaces the next numbers, and returns the change of the row.
    pub(super) fn add(&mut self, namespaces: &[Namespace]) -> RowChange {
        for namespace in namespaces {
            let next = self
                .ids
                .values()
                .map(|id| id.0)
                .max()
                .map_or(1, |last| last + 1);
            self.ids
                .entry(namespace.clone())
                .or_insert(NamespaceId(next));
        }
        let numbers: BTreeMap<&str, u32> = self
            .ids
            .iter()
            .map(|(name, id)| (name.as_str(), id.0))
            .collect();
        // A map from text to numbers always has a JSON form.
        let value = serde_json::to_vec(&numbers).unwrap_or_default();
        let expected = self.stored.replace(value.clone());
        RowChange {
            table: Table::Meta,
            key: ROW_KEY.to_vec(),
            expected,
            value: Some(value),
        }
    }
}

/// The fields of each configured namespace, all of which the vault must have.
pub(super) fn open_namespaces(
    config: &Config,
    keyring: &Keyring,
    store: &dyn Store,
) -> Result<HashMap<Namespace, NamespaceFields>, AssemblyError> {
    let ids = NamespaceIds::read(store)?;
    let open = |(name, namespace): (&Namespace, &NamespaceConfig)| {
        let missing = || AssemblyError::NamespaceMissing {
            namespace: name.clone(),
        };
        let id = ids
            .id(name)
            .filter(|_| keyring.namespace(name).is_some())
            .ok_or_else(missing)?;
        Ok((name.clone(), namespace_fields(name, id, namespace)?))
    };
    config.namespaces.iter().map(open).collect()
}

fn namespace_fields(
    namespace: &Namespace,
    id: NamespaceId,
    config: &NamespaceConfig,
) -> Result<NamespaceFields, AssemblyError> {
    let field = |(name, field): (&FieldName, &FieldConfig)| {
        let format = formats::format(field).map_err(|error| AssemblyError::Format {
            namespace: namespace.clone(),
            field: name.clone(),
            error,
        })?;
        let field = Field {
            name: name.clone(),
            format,
            equality: field.equality,
            level_max: field.level_max,
            ttl_seconds: field.ttl_seconds,
        };
        Ok((name.clone(), field))
    };
    let fields = config
        .fields
        .iter()
        .map(field)
        .collect::<Result<_, AssemblyError>>()?;
    Ok(NamespaceFields {
        id,
        fields,
        former: Vec::new(),
    })
}

const ROW_KEY: &[u8] = b"namespaces";
/// Rows of the table, at the most: its rows are few and named in the code.
const META_ROWS_MAX: usize = 100;
