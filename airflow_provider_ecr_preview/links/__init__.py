"""Links from tasks to their reports, their page in the Airflow UI, and the AWS console."""
