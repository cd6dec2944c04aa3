"""Numbered changes of the schema, applied in order by `auricle.store.schema.migrate`."""
