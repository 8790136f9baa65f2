"""Values to colours, once: stretches and colour maps for every picture the package draws."""
