# SPDX-License-Identifier: GPL-3.0-or-later
"""Every training system that is played, by the first part of its path."""
from systems.airflow import Airflow
from systems.github import GitHub
from systems.gitlab import GitLab
from systems.jenkins import Jenkins
from systems.mlflow import MLflow


def systems():
    return {"/airflow3": Airflow(3), "/airflow2": Airflow(2), "/github": GitHub(),
            "/gitlab": GitLab(), "/jenkins": Jenkins(), "/mlflow": MLflow()}
