"""What a template, a form or a DAG file hands over, read in one way."""
