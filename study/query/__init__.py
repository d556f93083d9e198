"""SQL over the tables of a study: the one place that knows DuckDB."""

from study.query.columns import VIEWS, ViewColumn
from study.query.statements import QueryError
from study.query.tables import Tables, describe, open_tables

__all__ = ["VIEWS", "QueryError", "Tables", "ViewColumn", "describe", "open_tables"]
