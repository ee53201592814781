"""Lifecycle policies and images read from files: policy JSON, Terraform plans, CloudFormation templates, the AWS CLI's output."""
