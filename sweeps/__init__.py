"""What `course sweep` computes of landscapes: a module per table in `data/`, with a function that returns a row."""
