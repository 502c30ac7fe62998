"""Getting a company's files into its database: readers for each format, one loader, all or nothing."""

from core.ingest.load import IngestReport, LoadedTable, Progress, ingest
from core.ingest.preview import Preview, PreviewColumn, TablePreview, preview
from core.ingest.problems import Problem, problems_frame

__all__ = [
    "IngestReport",
    "LoadedTable",
    "Preview",
    "PreviewColumn",
    "Problem",
    "Progress",
    "TablePreview",
    "ingest",
    "preview",
    "problems_frame",
]
