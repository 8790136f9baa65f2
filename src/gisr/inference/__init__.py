"""From trained weights to results: weights, tiles, the upscaler, evaluation."""
