"""Getting a company's files into its database: readers for each format, one loader, all or nothing."""

from core.ingest.load import IngestReport, LoadedTable, Progress, ingest

__all__ = ["IngestReport", "LoadedTable", "Progress", "ingest"]
