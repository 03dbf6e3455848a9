"""One module a topic; its function ``measure`` returns the rows."""
