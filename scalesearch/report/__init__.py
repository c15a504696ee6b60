"""Reports, figures and the dashboard of studies, made from their records; nothing here imports torch."""
