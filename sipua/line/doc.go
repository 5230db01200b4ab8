// Package line keeps the agents' lines registered at their trunks (RFC 3261
// §10.2, RFC 5626 §4.5).
//
// Each line is a pure machine (machine.go, golden chart in testdata); one
// goroutine owns all of them with one timer heap, so that an idle line costs
// memory only. Every REGISTER, authentication retries included, passes its
// trunk's pacer and the number in flight is bounded.
package line
