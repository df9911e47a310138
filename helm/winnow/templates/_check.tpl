{{/*
What the schema cannot see: what is missing, and what contradicts something else. All problems at
once, each with its remedy.
*/}}
{{- define "winnow.problems" -}}
{{- $root := . -}}
{{- $v := .Values -}}
{{- if not $v.kafka.brokers }}
kafka.brokers is empty: name the bootstrap addresses, host:port,host:port
{{- else }}
{{- range splitList "," $v.kafka.brokers }}
{{- if not (regexMatch "^\\s*\\S+:[0-9]{1,5}\\s*$" .) }}
kafka.brokers: {{ trim . | quote }} is not host:port
{{- end }}
{{- end }}
{{- end }}
{{- if and (not $v.spec.inline) (not $v.spec.existingConfigMap) }}
no collection spec: --set-file spec.inline=FILE, or spec.existingConfigMap
{{- end }}
{{- if and $v.spec.inline $v.spec.existingConfigMap }}
spec.inline and spec.existingConfigMap are both given: leave one out
{{- end }}
{{- if and (eq $v.kafka.auth.type "mtls") (not $v.kafka.tls.enabled) }}
kafka.auth.type mtls needs kafka.tls.enabled: true
{{- end }}
{{- if ne $v.kafka.auth.type "none" }}
{{- include "winnow.problems.zones" $root }}
{{- end }}
{{- range $stage, $settings := $v.stages }}
{{- include "winnow.problems.stage" (dict "root" $root "component" $stage) }}
{{- end }}
{{- include "winnow.problems.index" $root }}
{{- if and $v.ingest.enabled (not $v.ingest.input) }}
ingest.input is empty: name the volume that holds the folder, such as {persistentVolumeClaim: {claimName: photos}}
{{- end }}
{{- if and $v.autoscaling.enabled (not $v.autoscaling.prometheusAddress) }}
autoscaling.prometheusAddress is empty: the lag comes from Prometheus, name its URL
{{- end }}
{{- if and (not $v.serviceAccounts.create) (not $v.serviceAccounts.name) }}
serviceAccounts.create is false and serviceAccounts.name is empty: name the account of all pods
{{- end }}
{{- end -}}

{{/* One Secret for both zones would let the safe zone read raw topics. */}}
{{- define "winnow.problems.zones" -}}
{{- $root := . -}}
{{- $zones := dict -}}
{{- range $component, $zone := include "winnow.zones" . | fromJson }}
{{- if has $zone (list "raw" "safe") }}
{{- $secret := include "winnow.kafka.secret" (dict "root" $root "component" $component) }}
{{- $_ := set $zones $secret (append (get $zones $secret | default list) $zone | uniq) }}
{{- end }}
{{- end }}
{{- range $secret, $of := $zones }}
{{- if and (gt (len $of) 1) (not $root.Values.kafka.auth.sharedAcrossZones) }}
kafka.auth: Secret {{ $secret | quote }} serves the raw and the safe zone, so the brokers cannot keep them apart: give each service its own (kafka.auth.secret: winnow-{service}), or say kafka.auth.sharedAcrossZones: true
{{- end }}
{{- end }}
{{- end -}}

{{- define "winnow.problems.stage" -}}
{{- $stage := get .root.Values.stages .component -}}
{{- $partitions := include "winnow.partitions" . | int -}}
{{- $topic := get (include "winnow.inputs" . | fromJson) .component -}}
{{- $scaled := and .root.Values.autoscaling.enabled (hasKey $stage "autoscaling") -}}
{{- if and $partitions (gt (int $stage.replicas) $partitions) }}
stages.{{ .component }}.replicas is {{ $stage.replicas }}, but {{ $topic }} has {{ $partitions }} partitions: the rest would idle
{{- end }}
{{- if $scaled }}
{{- if and $partitions (gt (int $stage.autoscaling.maxReplicas) $partitions) }}
stages.{{ .component }}.autoscaling.maxReplicas is {{ $stage.autoscaling.maxReplicas }}, but {{ $topic }} has {{ $partitions }} partitions
{{- end }}
{{- if and $stage.autoscaling.maxReplicas (lt (int $stage.autoscaling.maxReplicas) (int $stage.autoscaling.minReplicas)) }}
stages.{{ .component }}.autoscaling.maxReplicas is below minReplicas
{{- end }}
{{- end }}
{{- end -}}
