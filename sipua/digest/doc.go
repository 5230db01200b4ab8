// Package digest is SIP digest authentication on both sides (RFC 3261 §22,
// RFC 7616, RFC 8760).
//
// The client side answers challenges of one peer with the credentials pinned
// to it: a challenge from another peer or for another realm is refused with a
// typed error, a nonce is answered once, and again only when the peer says it
// is stale. The server side challenges phones statelessly and verifies them
// with replay protection.
//
// The hashes themselves are computed by icholy/digest; header parsing and
// formatting are done here, because SIP peers send forms (upper-case keys,
// spaced qop lists, unquoted values) which its HTTP parser does not take.
package digest
