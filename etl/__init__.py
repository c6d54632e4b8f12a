"""movement-reports: the product, a pure Python package. It never imports airflow."""
