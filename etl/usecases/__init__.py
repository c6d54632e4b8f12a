"""What the product does, one module a use case. CLI, DAGs and pages call these and nothing below them."""
