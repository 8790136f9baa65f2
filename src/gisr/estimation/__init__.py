"""What is estimated from a pair: registration, sensor model, no-reference quality."""
