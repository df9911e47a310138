package main

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// The pod an object makes, if it makes any.
func podOf(object runtime.Object) (*metav1.ObjectMeta, *corev1.PodSpec) {
	template := func(t *corev1.PodTemplateSpec) (*metav1.ObjectMeta, *corev1.PodSpec) {
		return &t.ObjectMeta, &t.Spec
	}
	switch typed := object.(type) {
	case *appsv1.Deployment:
		return template(&typed.Spec.Template)
	case *appsv1.StatefulSet:
		return template(&typed.Spec.Template)
	case *batchv1.Job:
		return template(&typed.Spec.Template)
	case *corev1.Pod:
		return &typed.ObjectMeta, &typed.Spec
	}
	return nil, nil
}

// What the Pod Security Standard `restricted` forbids of an object's pod, by the code that the API
// server itself runs; empty if it admits it.
func forbidden(evaluator policy.Evaluator, object runtime.Object) string {
	metadata, spec := podOf(object)
	if spec == nil {
		return ""
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, metadata, spec))
	if result.Allowed {
		return ""
	}
	return fmt.Sprintf("not admitted as restricted: %s", result.ForbiddenDetail())
}
