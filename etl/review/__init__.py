"""The standing office's pages and the units' entrance: FastAPI, Jinja2 and htmx over the use cases that the CLI calls too."""
