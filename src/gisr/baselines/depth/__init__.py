"""Published networks for depth maps and colour images."""
