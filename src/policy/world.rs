//! The entities that there are: the vault, its namespaces and their fields.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::str::FromStr;

use cedar_policy::Entities;
use cedar_policy::Entity;
use cedar_policy::EntityId;
use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;
use cedar_policy::RestrictedExpression;
use cedar_policy::Schema;

use crate::domain::FieldName;
use crate::domain::Namespace;
use crate::domain::Principal;
use crate::policy::action::Action;
use crate::policy::error::PolicyError;
use crate::policy::source::FieldFacts;

/// The entities that there are. They change only with the configuration.
pub(super) struct World {
    pub(super) entities: Entities,
    pub(super) vault: EntityUid,
    service: EntityTypeName,
    namespaces: HashMap<Namespace, Place>,
}

/// A namespace with its fields.
pub(super) struct Place {
    pub(super) entity: EntityUid,
    pub(super) fields: BTreeMap<FieldName, EntityUid>,
}

impl World {
    pub(super) fn new(
        schema: &Schema,
        namespaces: &BTreeMap<Namespace, BTreeMap<FieldName, FieldFacts>>,
    ) -> Result<Self, PolicyError> {
        let vault = uid("Vault", "vault")?;
        let mut entities = vec![Entity::new_no_attrs(vault.clone(), HashSet::new())];
        let mut places = HashMap::new();
        for (name, fields) in namespaces {
            let namespace = uid("Namespace", name.as_str())?;
            let parents = HashSet::from([vault.clone()]);
            entities.push(Entity::new_no_attrs(namespace.clone(), parents));
            let mut of_fields = BTreeMap::new();
            for (field, facts) in fields {
                let entity = uid("Field", &format!("{name}/{field}"))?;
                let mut attributes = HashMap::from([("name".to_owned(), text(field.as_str()))]);
                if let Some(format) = &facts.format {
                    attributes.insert("format".to_owned(), text(format));
                }
                let parents = HashSet::from([namespace.clone()]);
                let field_entity =
                    Entity::new(entity.clone(), attributes, parents).map_err(schema_error)?;
                entities.push(field_entity);
                of_fields.insert(field.clone(), entity);
            }
            let place = Place {
                entity: namespace,
                fields: of_fields,
            };
            places.insert(name.clone(), place);
        }
        Ok(Self {
            entities: Entities::from_entities(entities, Some(schema)).map_err(schema_error)?,
            vault,
            service: type_name("Service")?,
            namespaces: places,
        })
    }

    pub(super) fn principal(&self, principal: &Principal) -> EntityUid {
        let id = EntityId::new(principal.as_str());
        EntityUid::from_type_name_and_id(self.service.clone(), id)
    }

    pub(super) fn place(&self, namespace: &Namespace) -> Option<&Place> {
        self.namespaces.get(namespace)
    }

    /// Whether an entity that a policy names is there. Of principals nobody knows.
    pub(super) fn knows(&self, entity: &EntityUid) -> bool {
        match entity.type_name().to_string().as_str() {
            "Field" | "Namespace" | "Vault" => self.entities.get(entity).is_some(),
            _ => true,
        }
    }
}

/// The entity of an action.
pub(super) fn action_uid(action: Action) -> Result<EntityUid, PolicyError> {
    uid("Action", action.name())
}

fn uid(type_of: &str, id: &str) -> Result<EntityUid, PolicyError> {
    Ok(EntityUid::from_type_name_and_id(
        type_name(type_of)?,
        EntityId::new(id),
    ))
}

fn type_name(name: &str) -> Result<EntityTypeName, PolicyError> {
    EntityTypeName::from_str(name).map_err(schema_error)
}

fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

fn schema_error(error: impl ToString) -> PolicyError {
    PolicyError::Schema {
        problem: error.to_string(),
    }
}
