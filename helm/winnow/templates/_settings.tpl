{{/*
The settings file of a stage (libs/service/README.md): what the user says for all stages, then for
this one, then what the chart itself decides. (dict "root" $ "component" ...)
*/}}
{{- define "winnow.settings" -}}
{{- $root := .root -}}
{{- $stage := get $root.Values.stages .component -}}
{{- $kafka := dict "brokers" $root.Values.kafka.brokers -}}
{{- with $root.Values.kafka.topicPrefix }}{{ $_ := set $kafka "topic_prefix" . }}{{ end -}}
{{- with include "winnow.kafka.properties" . | fromYaml }}{{ $_ := set $kafka "properties" . }}{{ end -}}
{{- with include "winnow.kafka.propertyFiles" . | fromYaml -}}
{{- $_ := set $kafka "property_files" . -}}
{{- end -}}
{{- $blobs := dict -}}
{{- range include "winnow.blobs" . | fromJsonArray -}}
{{- $_ := set $blobs . (printf "/var/lib/winnow/blobs/%s" .) -}}
{{- end -}}
{{- $ours := dict
    "spec" "/etc/winnow/spec.yaml"
    "drain_seconds" (printf "%ds" (int $root.Values.drainSeconds))
    "kafka" $kafka
    "blobs" $blobs
    "http" (dict "address" $root.Values.listenAddress "port" 9464) -}}
{{- if hasKey $stage "state" -}}
{{- $_ := set $ours "state" (dict "directory" (printf "/var/lib/winnow/state/%s" .component)) -}}
{{- end -}}
{{- if eq .component "sink" -}}
{{- $_ := set $ours "sink" (dict "directory" "/var/lib/winnow/dataset") -}}
{{- end -}}
{{- if eq .component "deduper" -}}
{{- with include "winnow.indexMemory" $root }}{{ $_ := set $ours "deduper" (dict "index_memory" .) }}{{ end -}}
{{- end -}}
{{- if eq .component "privacy-blurrer" -}}
{{- $_ := set $ours "models" "/usr/share/winnow/models" -}}
{{- end -}}
{{- mergeOverwrite (deepCopy $root.Values.settings) (deepCopy $stage.settings) $ours | toYaml -}}
{{- end -}}

{{/* The blob stores a component may see, as JSON. Nobody of the safe zone sees the raw one. */}}
{{- define "winnow.blobs" -}}
{{- if has .component (list "ingest" "validator") -}}
["raw"]
{{- else if eq .component "privacy-blurrer" -}}
["raw", "safe"]
{{- else if has .component (list "deduper" "balancer" "sink") -}}
["safe"]
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{- define "winnow.claim" -}}
{{- $volume := get .root.Values.volumes .volume -}}
{{- $volume.existingClaim | default (printf "%s-%s" (include "winnow.fullname" .root) (kebabcase .volume)) -}}
{{- end -}}

{{- define "winnow.specConfigMap" -}}
{{- .Values.spec.existingConfigMap | default (printf "%s-spec" (include "winnow.fullname" .)) -}}
{{- end -}}

{{- define "winnow.specKey" -}}
{{- ternary .Values.spec.key "spec.yaml" (ne .Values.spec.existingConfigMap "") -}}
{{- end -}}

{{/* A pod's option: the stage's own, else that of all pods. */}}
{{- define "winnow.podOptions" -}}
{{- $own := get (get .root.Values.stages .component | default dict) "pod" | default dict -}}
{{- if eq .component "ingest" }}{{ $own = .root.Values.ingest.pod }}{{ end -}}
{{- mergeOverwrite (deepCopy .root.Values.pod) (deepCopy $own) | toYaml -}}
{{- end -}}
