# SPDX-License-Identifier: GPL-3.0-or-later
"""Every training system that is played, by the first part of its path."""
from systems.airflow import Airflow
from systems.argo import Argo
from systems.dagster import Dagster
from systems.flyte import Flyte
from systems.github import GitHub
from systems.gitlab import GitLab
from systems.jenkins import Jenkins
from systems.kubeflow import Kubeflow
from systems.kubernetes import Kubernetes
from systems.mlflow import MLflow
from systems.prefect import Prefect
from systems.sagemaker import SageMaker
from systems.vertex import Vertex


def systems():
    return {"/airflow3": Airflow(3), "/airflow2": Airflow(2), "/github": GitHub(),
            "/gitlab": GitLab(), "/jenkins": Jenkins(), "/mlflow": MLflow(),
            "/kubeflow": Kubeflow(), "/argo": Argo(), "/flyte": Flyte(), "/prefect": Prefect(),
            "/dagster": Dagster(), "/kubernetes": Kubernetes(), "/sagemaker": SageMaker(),
            "/vertex": Vertex()}
