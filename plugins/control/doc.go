// Package control carries call control to other processes: Service offers a callcontrol.Control over
// gRPC, Server puts it on the local unix socket, and Client is again a callcontrol.Control. Adapters and
// the command line speak the same service.
//
// The wire contract is control.proto in package v1. Refusals cross it whole: what the switchboard
// refused with a *callcontrol.Refusal is the same *callcontrol.Refusal at the client.
package control
