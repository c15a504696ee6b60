"""Where trials run: in this process, or as Ray Tune trials. Both mean the same."""
