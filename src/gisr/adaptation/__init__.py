"""Fine-tuning a network on the user's own scene or volume before it is sharpened."""
