"""A study on disk: records, lock, resume, and the answer that is derived from them."""
