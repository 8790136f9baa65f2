"""From a pair to an image: the upscaler, its tiles, and arrays larger than memory."""
