"""What a project holds its scenarios to, and whether they keep it."""
