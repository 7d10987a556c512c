"""One self-contained HTML page: what it shows as records, its charts, and its template, style and script."""
