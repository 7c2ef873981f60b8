#!/bin/sh
# Install what the manifests build on, in the versions they were written for: sh tools/operators.sh kind|gpu|prod, or
# the names of single ones. Kubeflow Pipelines, a Gateway's implementation and the cluster itself are yours to bring.
set -eu
hub=https://github.com
raw=https://raw.githubusercontent.com
# Server-side: some definitions are longer than the annotation that a client-side apply would write.
put() { kubectl apply --server-side --force-conflicts "$@"; }
settled() { kubectl -n "$1" wait deployment --all --for condition=Available --timeout 300s; }
install() {
    case $1 in
        cert-manager)
            put -f $hub/cert-manager/cert-manager/releases/download/v1.19.1/cert-manager.yaml
            settled cert-manager ;;
        cnpg)
            put -f $hub/cloudnative-pg/cloudnative-pg/releases/download/v1.30.0/cnpg-1.30.0.yaml
            settled cnpg-system ;;
        kserve)
            put -f $hub/kserve/kserve/releases/download/v0.20.0/kserve.yaml
            settled kserve
            put -f $hub/kserve/kserve/releases/download/v0.20.0/kserve-cluster-resources.yaml ;;
        trainer)
            put -f $hub/kubernetes-sigs/jobset/releases/download/v0.12.0/manifests.yaml
            put -k "$hub/kubeflow/trainer.git/manifests/overlays/manager?ref=v2.3.0" ;;
        feast) put -f $raw/feast-dev/feast/v0.66.0/infra/feast-operator/dist/install.yaml ;;
        gateway) put -f $hub/kubernetes-sigs/gateway-api/releases/download/v1.6.1/standard-install.yaml ;;
        keda) put -f $hub/kedacore/keda/releases/download/v2.20.2/keda-2.20.2.yaml ;;
        barman) put -f $hub/cloudnative-pg/plugin-barman-cloud/releases/download/v0.9.0/manifest.yaml ;;
        prometheus) put -f $hub/prometheus-operator/prometheus-operator/releases/download/v0.87.0/bundle.yaml ;;
        external-secrets) put -f $hub/external-secrets/external-secrets/releases/download/v1.1.0/external-secrets.yaml ;;
        kueue) put -f $hub/kubernetes-sigs/kueue/releases/download/v0.15.0/manifests.yaml ;;
        kind) for each in cert-manager cnpg kserve trainer feast; do install $each; done ;;
        gpu) for each in kind gateway; do install $each; done ;;
        prod) for each in gpu keda barman; do install $each; done ;;
        *)
            echo "no operator is called $1: see the names in $0." >&2
            exit 1 ;;
    esac
}
[ $# -gt 0 ] || set -- kind
for name in "$@"; do install "$name"; done
