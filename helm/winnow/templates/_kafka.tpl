{{/* How a component reaches the brokers: properties of librdkafka, files that hold secrets. */}}

{{/* The component's Secret: its own name if one is given, else the pattern's. */}}
{{- define "winnow.kafka.secret" -}}
{{- $auth := .root.Values.kafka.auth -}}
{{- get $auth.secrets .component | default (replace "{service}" .component $auth.secret) -}}
{{- end -}}

{{/* PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL. */}}
{{- define "winnow.kafka.protocol" -}}
{{- $tls := .Values.kafka.tls.enabled -}}
{{- if eq .Values.kafka.auth.type "sasl" -}}
{{ $tls | ternary "SASL_SSL" "SASL_PLAINTEXT" }}
{{- else -}}
{{ $tls | ternary "SSL" "PLAINTEXT" }}
{{- end -}}
{{- end -}}

{{/* No value here is a secret. YAML, so that callers can merge. */}}
{{- define "winnow.kafka.properties" -}}
{{- $kafka := .root.Values.kafka -}}
{{- $at := "/etc/winnow/kafka" -}}
{{- $properties := dict -}}
{{- if ne (include "winnow.kafka.protocol" .root) "PLAINTEXT" -}}
{{- $_ := set $properties "security.protocol" (include "winnow.kafka.protocol" .root) -}}
{{- end -}}
{{- if and $kafka.tls.enabled $kafka.tls.caSecret -}}
{{- $_ := set $properties "ssl.ca.location" (printf "%s/ca.crt" $at) -}}
{{- end -}}
{{- if eq $kafka.auth.type "mtls" -}}
{{- $_ := set $properties "ssl.certificate.location" (printf "%s/user.crt" $at) -}}
{{- $_ := set $properties "ssl.key.location" (printf "%s/user.key" $at) -}}
{{- end -}}
{{- if eq $kafka.auth.type "sasl" -}}
{{- $_ := set $properties "sasl.mechanism" $kafka.auth.mechanism -}}
{{- if not $kafka.auth.usernameKey -}}
{{- $_ := set $properties "sasl.username" (include "winnow.kafka.secret" .) -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $properties (deepCopy $kafka.properties) | toYaml -}}
{{- end -}}

{{- define "winnow.kafka.propertyFiles" -}}
{{- $auth := .root.Values.kafka.auth -}}
{{- $files := dict -}}
{{- if eq $auth.type "sasl" -}}
{{- $_ := set $files "sasl.password" "/etc/winnow/kafka/password" -}}
{{- if $auth.usernameKey -}}
{{- $_ := set $files "sasl.username" "/etc/winnow/kafka/username" -}}
{{- end -}}
{{- end -}}
{{- $files | toYaml -}}
{{- end -}}

{{/* Sources of the projected volume /etc/winnow that hold credentials. */}}
{{- define "winnow.kafka.sources" -}}
{{- $kafka := .root.Values.kafka -}}
{{- $auth := $kafka.auth -}}
{{- if and $kafka.tls.enabled $kafka.tls.caSecret }}
- secret:
    name: {{ $kafka.tls.caSecret }}
    items:
      - {key: {{ $kafka.tls.caKey }}, path: kafka/ca.crt}
{{- end }}
{{- if ne $auth.type "none" }}
- secret:
    name: {{ include "winnow.kafka.secret" . }}
    items:
{{- if eq $auth.type "mtls" }}
      - {key: {{ $auth.certificateKey }}, path: kafka/user.crt}
      - {key: {{ $auth.privateKeyKey }}, path: kafka/user.key}
{{- else }}
      - {key: {{ $auth.passwordKey }}, path: kafka/password}
{{- with $auth.usernameKey }}
      - {key: {{ . }}, path: kafka/username}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The same for `winnow`, which takes it as arguments. */}}
{{- define "winnow.kafka.arguments" -}}
- --brokers
- {{ .root.Values.kafka.brokers | quote }}
{{- with .root.Values.kafka.topicPrefix }}
- --prefix
- {{ . | quote }}
{{- end }}
{{- range $name, $value := include "winnow.kafka.properties" . | fromYaml }}
- --property
- {{ printf "%s=%v" $name $value | quote }}
{{- end }}
{{- range $name, $file := include "winnow.kafka.propertyFiles" . | fromYaml }}
- --property
- {{ printf "%s=@%s" $name $file | quote }}
{{- end }}
{{- end -}}

{{/* Ports of the brokers, as JSON, for the network policies. */}}
{{- define "winnow.kafka.ports" -}}
{{- $ports := list -}}
{{- range splitList "," .Values.kafka.brokers -}}
{{- $ports = append $ports (regexFind "[0-9]+$" (trim .) | int) -}}
{{- end -}}
{{- .Values.networkPolicy.kafka.ports | default ($ports | uniq) | toJson -}}
{{- end -}}
