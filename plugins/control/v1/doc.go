// Package controlv1 is the control contract as protobuf and gRPC: generated from control.proto, which
// documents it. Go programs use package control, which speaks it in the words of callcontrol.
//
// Generating needs protoc alone: its plugins are tools of this module, and the well-known types come
// from the protobuf module.
package controlv1

//go:generate go run ../../internal/generate control.proto
