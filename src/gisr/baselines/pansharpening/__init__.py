"""Published pansharpening networks, written from their papers."""
