"""Text to positioned tree to typed document: the only place that reads YAML, JSON and CSV."""
