{{/* Names and labels. */}}

{{/* 36 characters leave room for a component, a revision hash and a pod's suffix within 63. */}}
{{- define "winnow.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 36 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 36 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 36 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What pods of a component are found by; never changes. (dict "root" $ "component" ...) */}}
{{- define "winnow.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "winnow.labels" -}}
{{ include "winnow.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: winnow
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/*
Which zone a component is of, as JSON: the raw zone sees faces. `control` touches no image.
Everything that depends on zones (blob volumes, credentials, network policies) asks here.
*/}}
{{- define "winnow.zones" -}}
{"ingest": "raw", "validator": "raw", "privacy-blurrer": "raw",
 "deduper": "safe", "balancer": "safe", "sink": "safe",
 "topics": "control", "test": "control"}
{{- end -}}

{{- define "winnow.zone" -}}
{{ get (include "winnow.zones" . | fromJson) .component }}
{{- end -}}

{{/* The topic a stage reads, as JSON: it has no use for more instances than that has partitions. */}}
{{- define "winnow.inputs" -}}
{"validator": "images.raw", "privacy-blurrer": "images.valid", "deduper": "images.safe",
 "balancer": "images.unique", "sink": "images.selected"}
{{- end -}}

{{/* The declaration of the topics: the chart's, or the user's own. */}}
{{- define "winnow.topicsFile" -}}
{{- .Values.topics.file | default (.Files.Get "files/topics.yaml") -}}
{{- end -}}

{{/* Partitions of a stage's input; 0 if the declaration does not say. */}}
{{- define "winnow.partitions" -}}
{{- $declared := get (include "winnow.topicsFile" .root | fromYaml) "topics" | default dict -}}
{{- $topic := get (include "winnow.inputs" . | fromJson) .component -}}
{{- get (get $declared $topic | default dict) "partitions" | default 0 | int -}}
{{- end -}}

{{- define "winnow.image" -}}
{{- $image := .root.Values.image -}}
{{- $name := eq .component "winnow" | ternary "winnow" (printf "winnow-%s" .component) -}}
{{- with $image.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ $name }}:{{ $image.tag | default .root.Chart.AppVersion }}
{{- with get $image.digests .component }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "winnow.serviceAccount" -}}
{{- if .root.Values.serviceAccounts.create -}}
{{ include "winnow.fullname" .root }}-{{ .component }}
{{- else -}}
{{ .root.Values.serviceAccounts.name }}
{{- end -}}
{{- end -}}
