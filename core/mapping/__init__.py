"""A company's own tables as the canonical staging views: suggested, validated, written as SQL, stored."""

from core.mapping.fields import ENTITIES, VIEWS, Entity, Field
from core.mapping.findings import LineCounts, MappingFinding, Validation
from core.mapping.model import Mapping, MappingError, TableMapping
from core.mapping.staging_sql import staging_views
from core.mapping.store import (
    MAPPING_LOG,
    StoredMapping,
    current_mapping,
    follow_renamed,
    mapping_history,
    remove_mapping,
    restore_mapping,
    store_mapping,
)
from core.mapping.suggest import suggest_columns, suggest_entity, suggest_mapping
from core.mapping.validate import validate_mapping

__all__ = [
    "ENTITIES",
    "MAPPING_LOG",
    "VIEWS",
    "Entity",
    "Field",
    "LineCounts",
    "Mapping",
    "MappingError",
    "MappingFinding",
    "StoredMapping",
    "TableMapping",
    "Validation",
    "current_mapping",
    "follow_renamed",
    "mapping_history",
    "remove_mapping",
    "restore_mapping",
    "staging_views",
    "store_mapping",
    "suggest_columns",
    "suggest_entity",
    "suggest_mapping",
    "validate_mapping",
]
