"""Pages that show predictions: what they share."""
