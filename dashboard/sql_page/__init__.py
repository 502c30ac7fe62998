"""The parts of the SQL page: running off the event loop, rows, charts, files, links and parameters."""
