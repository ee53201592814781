"""Read values from templates, forms and DAG files in the same way."""
