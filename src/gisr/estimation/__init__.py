"""What a pair tells of itself: registration, sensor model, no-reference quality."""
