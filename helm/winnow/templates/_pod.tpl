{{/* What all pods of the chart have in common. */}}

{{- define "winnow.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* (dict "root" $ "component" ...): the part of a pod's spec before its containers. */}}
{{- define "winnow.podBase" -}}
{{- $options := include "winnow.podOptions" . | fromYaml -}}
serviceAccountName: {{ include "winnow.serviceAccount" . }}
automountServiceAccountToken: false
# Variables named after Services would begin with WINNOW_, as settings do.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with $options.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $options.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $options.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $options.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "winnow.spread" -}}
{{- $options := include "winnow.podOptions" . | fromYaml -}}
topologySpreadConstraints:
{{- if $options.topologySpreadConstraints }}
  {{- toYaml $options.topologySpreadConstraints | nindent 2 }}
{{- else }}
{{- $selector := include "winnow.selector" . }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- $selector | nindent 8 }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "winnow.podMetadata" -}}
{{- $options := include "winnow.podOptions" . | fromYaml -}}
labels:
  # No versions: a new chart alone makes no new pods.
  {{- include "winnow.selector" . | nindent 2 }}
  app.kubernetes.io/part-of: winnow
  winnow/zone: {{ include "winnow.zone" . }}
  {{- with $options.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  # A changed spec or setting makes new pods.
  {{- if .settings }}
  winnow/settings: {{ .settings | sha256sum }}
  {{- end }}
  winnow/spec: {{ .root.Values.spec.inline | default .root.Values.spec.revision | sha256sum }}
  {{- with $options.annotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* The blob stores as volumes, and where they are mounted. */}}
{{- define "winnow.blobVolumes" -}}
{{- $root := .root -}}
{{- range include "winnow.blobs" . | fromJsonArray }}
- name: blobs-{{ . }}
  persistentVolumeClaim:
    claimName: {{ include "winnow.claim" (dict "root" $root "volume" (printf "blobs%s" (title .))) }}
{{- end }}
{{- end -}}

{{- define "winnow.blobMounts" -}}
{{- range include "winnow.blobs" . | fromJsonArray }}
- name: blobs-{{ . }}
  mountPath: /var/lib/winnow/blobs/{{ . }}
{{- end }}
{{- end -}}

{{/*
/etc/winnow: settings, spec and credentials in one place, read-only. `principal`: whose credentials,
if not the component's.
*/}}
{{- define "winnow.configVolume" -}}
- name: {{ .volume | default "config" }}
  projected:
    defaultMode: 0440
    sources:
{{- if .settings }}
      - configMap:
          name: {{ include "winnow.fullname" .root }}-{{ .component }}
{{- end }}
      - configMap:
          name: {{ .specConfigMap | default (include "winnow.specConfigMap" .root) }}
          items:
            - {key: {{ include "winnow.specKey" .root }}, path: spec.yaml}
      {{- with include "winnow.kafka.sources" (dict "root" .root "component" (.principal | default .component)) | trim }}
      {{- . | nindent 6 }}
      {{- end }}
{{- end -}}

{{/* A stage's pod template. (dict "root" $ "component" ... "settings" ...) */}}
{{- define "winnow.stagePod" -}}
{{- $root := .root -}}
{{- $stage := get $root.Values.stages .component -}}
{{- $options := include "winnow.podOptions" . | fromYaml -}}
metadata:
  {{- include "winnow.podMetadata" . | nindent 2 }}
spec:
  {{- include "winnow.podBase" . | nindent 2 }}
  {{- include "winnow.spread" . | nindent 2 }}
  # What is in flight is committed within drainSeconds or given up; 5 s later the process ends as it stands.
  terminationGracePeriodSeconds: {{ add (int $root.Values.drainSeconds) 15 }}
  containers:
    - name: {{ .component }}
      image: {{ include "winnow.image" . }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      command: [/usr/bin/winnow-{{ .component }}]
      args: [--config, /etc/winnow/{{ .component }}.yaml]
      env:
        # The process slot: unique, and the same after a restart of the container; in a StatefulSet also after one of the pod.
        - name: WINNOW_INSTANCE
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        {{- if and (ne .component "sink") (not (hasKey $stage.settings "lanes")) (not (hasKey $root.Values.settings "lanes")) }}
        # By itself a process counts the cores of the node, not those it may use. Rounded up.
        - name: WINNOW_LANES
          valueFrom: {resourceFieldRef: {containerName: {{ .component }}, resource: requests.cpu, divisor: "1"}}
        {{- end }}
        {{- with $options.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - {name: metrics, containerPort: 9464}
      # Alive long before it is ready: restoring state or a missing broker must not end it.
      startupProbe:
        httpGet: {path: /healthz, port: metrics}
        periodSeconds: 2
        timeoutSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 5
        timeoutSeconds: 3
        failureThreshold: 2
      resources:
        {{- toYaml $stage.resources | nindent 8 }}
      securityContext:
        {{- include "winnow.containerSecurity" . | nindent 8 }}
      # Says why it ended: the last lines of the log.
      terminationMessagePolicy: FallbackToLogsOnError
      volumeMounts:
        - {name: config, mountPath: /etc/winnow, readOnly: true}
        {{- include "winnow.blobMounts" . | nindent 8 }}
        {{- if hasKey $stage "state" }}
        - {name: state, mountPath: /var/lib/winnow/state}
        {{- end }}
        {{- if eq .component "sink" }}
        - {name: dataset, mountPath: /var/lib/winnow/dataset}
        {{- end }}
  volumes:
    {{- include "winnow.configVolume" . | nindent 4 }}
    {{- include "winnow.blobVolumes" . | nindent 4 }}
    {{- if eq .component "sink" }}
    - name: dataset
      persistentVolumeClaim:
        claimName: {{ include "winnow.claim" (dict "root" $root "volume" "dataset") }}
    {{- end }}
{{- end -}}
