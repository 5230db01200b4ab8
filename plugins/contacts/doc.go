// Package contacts is the reference adapter: it knows callers from a contact book (CSV, YAML or vCard),
// writes events as lines of JSON, and runs a command when something happens, as a screen pop. It comes
// with the daemon and is of use by itself to a site without a CRM; docs/adapters.md tells how.
//
// The book is a shelf's: read at the start and when its file changes, all of it or nothing. Events go to a
// journal of lines (ledger) that finds its place in its own file after a crash, so that none is missing
// and none is there twice. Hooks run beside both and delay neither.
package contacts
