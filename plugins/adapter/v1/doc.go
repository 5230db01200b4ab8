// Package adapterv1 is the adapter contract as protobuf and gRPC: generated from adapter.proto, which
// documents it. The daemon's side of it is package host; Go programs that are adapters use package sdk.
package adapterv1

//go:generate go run ../../internal/generate adapter.proto ../../control/v1
