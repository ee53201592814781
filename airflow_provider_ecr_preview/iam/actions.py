"""The IAM actions that each operator and each source of images in use needs."""

from __future__ import annotations

from collections.abc import Mapping

_PREVIEW = ("ecr:StartLifecyclePolicyPreview", "ecr:GetLifecyclePolicyPreview", "ecr:GetLifecyclePolicy")


_EVIDENCE = (*_PREVIEW, "ecr:DescribeImages", "ecr:DescribeRegistry")


_MANIFESTS = ("ecr:BatchGetImage", "ecr:ListPullTimeUpdateExclusions")


_PULLS = ("ecr:GetRegistryPolicy", "ecr:GetRepositoryPolicy")


IN_USE_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "ecs": (
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceRevisions",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:DescribeTasks",
        "ecs:ListClusters",
        "ecs:ListServiceDeployments",
        "ecs:ListServices",
        "ecs:ListTaskDefinitions",
        "ecs:ListTasks",
    ),
    "eks": ("eks:DescribeCluster", "eks:ListClusters"),
    "lambda": ("lambda:GetFunction", "lambda:ListFunctions", "lambda:ListVersionsByFunction"),
    "batch": ("batch:DescribeJobDefinitions",),
    "sagemaker": (
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeInferenceComponent",
        "sagemaker:DescribeModel",
        "sagemaker:ListEndpoints",
        "sagemaker:ListInferenceComponents",
        "sagemaker:ListModels",
    ),
    "apprunner": ("apprunner:DescribeService", "apprunner:ListServices"),
    "codebuild": ("codebuild:BatchGetProjects", "codebuild:ListProjects"),
}
"""The actions of each source that ``EcrCollectImagesInUseOperator`` reads by default."""


FURTHER_IN_USE_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "ecs_daemons": (
        "ecs:DescribeDaemon",
        "ecs:DescribeDaemonDeployments",
        "ecs:DescribeDaemonRevisions",
        "ecs:DescribeDaemonTaskDefinition",
        "ecs:ListClusters",
        "ecs:ListDaemonDeployments",
        "ecs:ListDaemonTaskDefinitions",
        "ecs:ListDaemons",
    ),
    "emr_serverless": (
        "emr-serverless:GetApplication",
        "emr-serverless:GetJobRun",
        "emr-serverless:ListApplications",
        "emr-serverless:ListJobRuns",
    ),
    "airflow": ("batch:DescribeJobDefinitions", "ecs:DescribeTaskDefinition"),
}
"""The actions of sources that are read only if the DAG names them; no role has them by default."""


IAM_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "EcrLifecyclePolicyEventTrigger": ("sqs:DeleteMessage", "sqs:ReceiveMessage"),
    "EcrListRepositoriesOperator": ("ecr:DescribeRepositories", "ecr:ListTagsForResource", "ecr:GetLifecyclePolicy"),
    "EcrStartLifecyclePolicyPreviewOperator": _PREVIEW,
    "EcrLifecyclePolicyPreviewSensor": ("ecr:GetLifecyclePolicyPreview",),
    "EcrSummarizeLifecyclePolicyPreviewOperator": (
        "ecr:GetLifecyclePolicyPreview",
        "ecr:DescribeImages",
        "ecr:DescribeRegistry",
        *_MANIFESTS,
    ),
    "EcrAuditLifecyclePoliciesOperator": (
        *_EVIDENCE,
        *_MANIFESTS,
        "ecr:DescribeRepositories",
        "ecr:ListTagsForResource",
        "ecr:DescribePullThroughCacheRules",
        "ecr:DescribeRepositoryCreationTemplates",
    ),
    "EcrCompareLifecyclePoliciesOperator": (*_PREVIEW, "ecr:DescribeImages"),
    "EcrRecommendLifecyclePolicyOperator": (
        "ecr:DescribeImages",
        "ecr:GetLifecyclePolicyPreview",
        "ecr:StartLifecyclePolicyPreview",
    ),
    "EcrCollectImagesInUseOperator": tuple(sorted(action for actions in IN_USE_ACTIONS.values() for action in actions)),
    "EcrPutLifecyclePolicyOperator": (*_EVIDENCE, *_PULLS, "ecr:PutLifecyclePolicy"),
    "EcrRestoreLifecyclePolicyOperator": (*_PREVIEW, "ecr:DeleteLifecyclePolicy", "ecr:PutLifecyclePolicy"),
    "EcrReconcileLifecycleOperator": ("cloudtrail:LookupEvents", "ecr:DescribeImages"),
    "EcrDeletePreviewedImagesOperator": (
        *_EVIDENCE,
        *_PULLS,
        "ecr:BatchDeleteImage",
        "ecr:UpdateImageStorageClass",
    ),
}
"""The actions that each operator may call, by the name of its class; some only with certain parameters."""


READS_ENVIRONMENT_VARIABLES: Mapping[str, str] = {
    "apprunner:DescribeService": "those of services",
    "batch:DescribeJobDefinitions": "those of job definitions",
    "codebuild:BatchGetProjects": "those of projects; values of the type PLAINTEXT are shown",
    "ecs:DescribeDaemonTaskDefinition": "those of daemon task definitions",
    "ecs:DescribeTaskDefinition": "those of task definitions; of secrets the names alone",
    "ecs:DescribeTasks": "those that a task was started with in addition to its definition",
    "emr-serverless:GetApplication": "those in the runtime configuration of applications",
    "emr-serverless:GetJobRun": "those in the configuration and the Spark parameters of runs",
    "lambda:GetFunction": "those of functions, and the address of the code of functions that are no images",
    "lambda:ListFunctions": "those of functions",
    "lambda:ListVersionsByFunction": "those of functions",
    "sagemaker:DescribeInferenceComponent": "those of containers",
    "sagemaker:DescribeModel": "those of containers",
}
"""The actions of ``EcrCollectImagesInUseOperator`` whose responses contain environment variables, which may hold secrets.

The operator looks for images in them and keeps nothing else. In Kubernetes, ``list`` of pods and workloads contains them too.
"""
