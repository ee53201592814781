"""The command line ``ecr-preview``: lint, simulate and compare lifecycle policies without Airflow."""
