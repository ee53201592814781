"""What the Airflow UI shows of previews and audits."""
