// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package k8s pins the version and the hashes (go.sum) of the kustomize that renders deploy/k8s in the tests.
package k8s

import _ "sigs.k8s.io/kustomize/kustomize/v5"
