{{/* The deduper's index of fingerprints within the memory its pod may have. */}}

{{/* Bytes of a quantity of Kubernetes (1536Mi) or of a setting (1.5 GB), as a whole number. */}}
{{- define "winnow.bytes" -}}
{{- $text := toString . | replace "_" "" | replace " " "" -}}
{{- $unit := regexFind "[A-Za-z]*$" $text -}}
{{- $factors := dict "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15
    "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 -}}
{{- $factor := get $factors (trimSuffix "B" $unit) | default 1 -}}
{{- mulf (trimSuffix $unit $text | float64) $factor | int64 -}}
{{- end -}}

{{/*
How many indexes one process may have to hold: one a partition that has images. A scope of the spec's
dedup lives in one partition, so a collection takes one; sources or groups spread over all of them,
and the last deduper that is left has them all. A spec in somebody else's ConfigMap cannot be read
here: nothing.
*/}}
{{- define "winnow.indexes" -}}
{{- if .Values.spec.inline -}}
{{- $dedup := get (fromYaml .Values.spec.inline) "dedup" -}}
{{- $scope := "" -}}
{{- if kindIs "map" $dedup }}{{ $scope = get $dedup "scope" }}{{ end -}}
{{- $partitions := include "winnow.partitions" (dict "root" . "component" "deduper") | int -}}
{{- has $scope (list "source" "group") | ternary (max 1 $partitions) 1 -}}
{{- end -}}
{{- end -}}

{{/* Bytes of the deduper's limit that are for the index; nothing without a limit. The rest is for
batches (max_bytes_in_flight) and 256 MiB for what is prefetched, RocksDB and the process. */}}
{{- define "winnow.indexRoom" -}}
{{- $stage := .Values.stages.deduper -}}
{{- with get ($stage.resources.limits | default dict) "memory" -}}
{{- $batches := get $stage.settings "max_bytes_in_flight" | default (get $.Values.settings "max_bytes_in_flight") -}}
{{- $rest := add (include "winnow.bytes" ($batches | default "128MiB") | int64) 268435456 -}}
{{- sub (include "winnow.bytes" . | int64) $rest -}}
{{- end -}}
{{- end -}}

{{/* deduper.index_memory as the values have it: "0" is one, nothing is none. */}}
{{- define "winnow.indexMemoryGiven" -}}
{{- range list .Values.settings .Values.stages.deduper.settings -}}
{{- with get . "deduper" }}{{ if hasKey . "index_memory" }}{{ toString .index_memory | replace " " "" }} {{ end }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* deduper.index_memory where the values name none: what the limit leaves. */}}
{{- define "winnow.indexMemory" -}}
{{- if not (include "winnow.indexMemoryGiven" .) -}}
{{- with include "winnow.indexRoom" . -}}
{{- $indexes := include "winnow.indexes" $ | default (include "winnow.partitions" (dict "root" $ "component" "deduper")) -}}
{{- printf "%dMiB" (div (div (max 0 (int64 .)) (max 1 (int $indexes))) 1048576) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "winnow.problems.index" -}}
{{- $stage := .Values.stages.deduper -}}
{{- $given := include "winnow.indexMemoryGiven" . | trim | splitList " " | last -}}
{{- $room := include "winnow.indexRoom" . -}}
{{- if and $given $room -}}
{{- $indexes := include "winnow.indexes" . | default "1" | int64 -}}
{{- $bytes := mul (include "winnow.bytes" $given | int64) $indexes -}}
{{- if gt $bytes (int64 $room) }}
deduper.index_memory is {{ $given }}{{ if gt $indexes 1 }} for each of {{ $indexes }} partitions{{ end }}, but of stages.deduper.resources.limits.memory ({{ $stage.resources.limits.memory }}) {{ div (max 0 (int64 $room)) 1048576 }}MiB are free for it: raise the limit, or leave index_memory out
{{- end }}
{{- else if and $room (lt (int64 $room) 67108864) }}
stages.deduper.resources.limits.memory is {{ $stage.resources.limits.memory }}: too little for batches (max_bytes_in_flight), 256MiB for the process and 64MiB for the index
{{- end }}
{{- end -}}
