"""Contains the runners: trials run in this process or as Ray Tune trials, with the same results."""
