#!/usr/bin/env bash
# helm.sh HELM STEER: install, upgrade, roll back and remove a chart with hooks and a custom resource. Runs in a sandbox
# (KUBECONFIG names a server of its own).
set -euo pipefail
helm=$1 steer=$2
here=$(cd "$(dirname "$0")" && pwd)
HELM_CACHE_HOME=$(mktemp -d)
trap 'rm -rf "$HELM_CACHE_HOME"' EXIT
export HELM_CACHE_HOME HELM_CONFIG_HOME=$HELM_CACHE_HOME/config HELM_DATA_HOME=$HELM_CACHE_HOME/data

# is WHAT EXPECTED OUTPUT: say what was looked at, and stop when it is something else.
is() {
  [ "$2" = "$3" ] || { echo "$1: expected '$2', found '$3'" >&2; exit 1; }
  echo "$1: $3"
}
field() { "$steer" get "$1" "$2" --namespace=trial --output=jsonpath="$3"; }

"$helm" install store "$here/chart" --namespace=trial --create-namespace
is "release" 'store 1 deployed' "$("$helm" list --namespace=trial --no-headers | awk '{print $1, $3, $8}')"
is "replicas" 1 "$(field deployment store '{.spec.replicas}')"
is "custom resource" 1 "$(field counter store '{.spec.start}')"
is "owner" 'store trial' "$(field service store '{.metadata.annotations.meta\.helm\.sh/release-name} {.metadata.annotations.meta\.helm\.sh/release-namespace}')"
is "hooks" '1 1' "$(field configmap store-pre-install '{.data.revision}') $(field configmap store-post-install '{.data.revision}')"

"$steer" scale deployment store --namespace=trial --replicas=5 >/dev/null
"$helm" upgrade store "$here/chart" --namespace=trial --set=replicas=3,greeting=welcome --force-conflicts
is "replicas" 3 "$(field deployment store '{.spec.replicas}')"
is "custom resource" 3 "$(field counter store '{.spec.start}')"
is "greeting" welcome "$(field configmap store '{.data.greeting}')"
is "hook" 2 "$(field configmap store-pre-upgrade '{.data.revision}')"

if "$helm" upgrade store "$here/chart" --namespace=trial --set=replicas=-1 2>"$HELM_CACHE_HOME/refused"; then
  echo "a chart with -1 replicas was taken" >&2
  exit 1
fi
grep -q 'should be greater than or equal to 0' "$HELM_CACHE_HOME/refused" || { cat "$HELM_CACHE_HOME/refused" >&2; exit 1; }
is "after a refusal" 3 "$(field counter store '{.spec.start}')"

"$helm" rollback store 1 --namespace=trial --force-conflicts
is "replicas" 1 "$(field deployment store '{.spec.replicas}')"
is "greeting" hello "$(field configmap store '{.data.greeting}')"
is "history" 'superseded superseded failed deployed' "$("$helm" history store --namespace=trial -o json | python3 -c 'import json, sys; print(*(r["status"] for r in json.load(sys.stdin)))')"

"$helm" uninstall store --namespace=trial
is "what is left" '' "$("$steer" get deployments,services,counters --namespace=trial --output=name)"
is "hook" configmap/store-pre-delete "$("$steer" get configmap store-pre-delete --namespace=trial --output=name)"
echo "helm: all as expected"
