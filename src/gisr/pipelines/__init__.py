"""Files in, a file out: one pipeline a task, folders of pairs, clusters, and reports."""
