"""Previews and audits in the Airflow UI."""
