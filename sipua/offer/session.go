package offer

// Session holds the descriptions of one dialog. It is not safe for concurrent use: its dialog owns it.
type Session struct {
	user string
}

// NewSession returns a session for one dialog. user is the o= user name; anything that is not a plain word
// there becomes "-".
func NewSession(user string) *Session { return &Session{user: user} }

// Offer returns our offer: the first, a later one, or one in a 200 to an INVITE without an offer. The version
// in o= rises only if the description differs from the last one sent (RFC 3264 §8).
func (s *Session) Offer(l Local) []byte { return nil }

// Answer negotiates a peer's offer and returns our answer. On an error (which maps to 488) the session stays
// as it was.
func (s *Session) Answer(l Local, remote []byte) (answer []byte, n Negotiated, err error) {
	return nil, Negotiated{}, ErrMalformed
}

// Accept negotiates the peer's answer to our last offer. It may be called again with a newer answer to the same
// offer (a 183 and then the 200, or another branch of a forked INVITE). On an error the session stays as it was.
func (s *Session) Accept(remote []byte) (Negotiated, error) { return Negotiated{}, ErrNoOffer }

// Rollback forgets our last offer because the peer refused it: what was agreed before it is in force again.
func (s *Session) Rollback() {}

// Clone returns a copy that goes its own way: one for each dialog that a forked INVITE of ours creates.
func (s *Session) Clone() *Session { c := *s; return &c }
