// Package webhook is the adapter for anything that speaks HTTP: it sends every event of the journal to a URL,
// signed and in order (delivery.go), asks another who a caller is (ask.go), and offers call control as an
// HTTP and JSON API with server-sent events (api.go, verbs.go, stream.go), described by openapi.yaml.
// docs/webhook.md tells how it is used.
package webhook
