// Decodes Kubernetes manifests into the API's own Go types, strictly: a field the type does not
// have, a field given twice, a value of the wrong type and an unknown kind are errors, and so is a
// pod that the Pod Security Standard `restricted` does not admit.
//
// usage: apitypes FILE...    ("-" is standard input; a file may hold many documents)
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/policy"
)

func newDecoder() (runtime.Decoder, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, batchv1.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme,
		policyv1.AddToScheme, monitoring.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	options := json.SerializerOptions{Yaml: true, Strict: true}
	return json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, options), nil
}

// Whether a document says nothing: helm prints such for templates that are switched off.
func isEmpty(document []byte) bool {
	for _, line := range strings.Split(string(document), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && line != "---" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

// The first line of a comment that helm puts before each document: where it came from.
func sourceOf(document []byte) string {
	for _, line := range strings.Split(string(document), "\n") {
		if strings.HasPrefix(line, "# Source: ") {
			return strings.TrimPrefix(line, "# Source: ")
		}
	}
	return "document"
}

type checker struct {
	decoder  runtime.Decoder
	security policy.Evaluator
}

func newChecker() (*checker, error) {
	decoder, err := newDecoder()
	if err != nil {
		return nil, err
	}
	security, err := policy.NewEvaluator(policy.DefaultChecks())
	return &checker{decoder, security}, err
}

// What is wrong with one document; empty if nothing is.
func (c *checker) problemOf(document []byte) string {
	object, _, err := c.decoder.Decode(document, nil, nil)
	if err != nil {
		return err.Error()
	}
	return forbidden(c.security, object)
}

// Number of objects, and what is wrong, one line each.
func (c *checker) check(input io.Reader) (int, []string) {
	reader := yaml.NewYAMLReader(bufio.NewReader(input))
	var problems []string
	for count := 0; ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return count, problems
		}
		if err != nil {
			return count, append(problems, err.Error())
		}
		if isEmpty(document) {
			continue
		}
		count++
		if problem := c.problemOf(document); problem != "" {
			problems = append(problems, fmt.Sprintf("%s: %s", sourceOf(document), problem))
		}
	}
}

func (c *checker) checkFile(name string) (int, []string) {
	if name == "-" {
		return c.check(os.Stdin)
	}
	file, err := os.Open(name)
	if err != nil {
		return 0, []string{err.Error()}
	}
	defer file.Close()
	return c.check(file)
}

func main() {
	checker, err := newChecker()
	if err != nil || len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: apitypes FILE...", err)
		os.Exit(2)
	}
	objects, failed := 0, false
	for _, name := range os.Args[1:] {
		count, problems := checker.checkFile(name)
		objects += count
		for _, problem := range problems {
			fmt.Fprintf(os.Stderr, "%s: %s\n", name, problem)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
	fmt.Printf("%d objects\n", objects)
}
