"""The parts of the Data page: source, upload and preview, tables, mapping."""
