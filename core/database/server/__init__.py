"""Database servers: one ``Database`` for all of them, and a dialect for each kind."""
