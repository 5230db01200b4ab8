// Package sdk is for writing adapters: a program makes a type with Info and Configure, adds the methods
// of what it can do (Lookuper, Searcher, Listener or Batcher, Resyncer, Checker, Stopper), and hands it to Serve.
//
//	func main() { sdk.Serve(&adapter{}) }
//
// Serve takes the handshake, subscribes from the adapter's durable cursor, acknowledges each event once
// Event returned nil, takes snapshots over gaps, and gives the adapter call control and a logger.
// docs/adapters.md has a whole adapter.
package sdk
