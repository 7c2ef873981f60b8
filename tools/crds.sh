#!/bin/sh
# Fetch the CustomResourceDefinitions that the manifests were written for: sh tools/crds.sh FOLDER. Versions as in
# docs/operations.md.
set -eu
folder=$1
mkdir -p "$folder"
fetch() { curl -fsSL --retry 3 -o "$folder/$1.yaml" "$2"; }
raw=https://raw.githubusercontent.com
fetch cnpg https://github.com/cloudnative-pg/cloudnative-pg/releases/download/v1.30.0/cnpg-1.30.0.yaml
fetch kserve https://github.com/kserve/kserve/releases/download/v0.20.0/kserve-crds.yaml
fetch jobset https://github.com/kubernetes-sigs/jobset/releases/download/v0.12.0/manifests.yaml
fetch gateway https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.1/standard-install.yaml
fetch keda https://github.com/kedacore/keda/releases/download/v2.20.2/keda-2.20.2-crds.yaml
fetch feast "$raw/feast-dev/feast/v0.66.0/infra/feast-operator/dist/install.yaml"
for kind in trainjobs trainingruntimes clustertrainingruntimes; do
    fetch "trainer-$kind" "$raw/kubeflow/trainer/v2.3.0/manifests/base/crds/trainer.kubeflow.org_$kind.yaml"
done
