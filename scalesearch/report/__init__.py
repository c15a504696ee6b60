"""Pictures of what a study says: records in, figures out; never torch."""
