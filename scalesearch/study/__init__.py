"""Studies on disk: their records, lock and resume, and the results that are derived from the records."""
