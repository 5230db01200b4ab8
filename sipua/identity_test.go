package sipua

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// identityLines are the lines of a message that name somebody besides From and To.
func identityLines(m rawMsg) []string {
	var out []string
	for _, h := range []string{"P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Privacy"} {
		for _, v := range m.headers(h) {
			out = append(out, h+": "+v)
		}
	}
	return out
}

// TestIdentityHeader: whoever is named, a trunk is told in its own header, once, and in no other.
func TestIdentityHeader(t *testing.T) {
	line, customer := Identity{Display: "Example", Number: "+380442000000"}, Identity{Display: `Olena "O" Ш`, Number: "380501112233"}
	hidden := line
	hidden.Private = true
	var (
		pai  = func(v string) string { return "P-Asserted-Identity: " + v }
		rpid = func(v, party string) string { return "Remote-Party-ID: " + v + ";party=" + party + ";screen=no" }
	)
	const own, other = `"Example" <sip:+380442000000@pbx.test>`, `"Olena 'O' Ш" <sip:380501112233@pbx.test>`
	for _, c := range []struct {
		name                  string
		header                IdentityHeader
		dial, transfer        []string
		called, calling, hide []string // connected identity in a call to us, in a call of ours; a hidden caller
	}{
		{
			"pai", IdentityPAI, []string{pai(own)}, []string{pai(other)},
			[]string{pai(other)}, []string{pai(other)}, []string{pai(own), "Privacy: id"},
		},
		{
			"rpid", IdentityRPID, []string{rpid(own, "calling")}, []string{rpid(other, "calling")},
			[]string{rpid(other, "called")}, []string{rpid(other, "calling")}, []string{rpid(own, "calling") + ";privacy=full", "Privacy: id"},
		},
		{"none", IdentityNone, nil, nil, nil, nil, []string{"Privacy: id"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, func(cfg *Config) { cfg.Trunks[0].Identity = c.header })
			check := func(what string, m rawMsg, say []string) {
				t.Helper()
				if got := identityLines(m); !slices.Equal(got, say) {
					t.Errorf("%s tells %q, want %q", what, got, say)
				}
			}
			refused := func(what string, say []string, change func(*InviteParams)) {
				t.Helper()
				_, ev := r.invite(change)
				inv := r.pbx.request("INVITE")
				check(what, inv, say)
				r.pbx.reply(inv, 486, "pt", "", "")
				want[Rejected](ev)
			}
			refused("dial", c.dial, func(p *InviteParams) { p.From = line })
			refused("hidden dial", c.hide, func(p *InviteParams) { p.From = hidden })
			refused("transfer", c.transfer, func(p *InviteParams) { p.From, p.OnBehalf = line, customer })

			connected := func(what string, say []string, d *Dialog, ev *events) {
				t.Helper()
				d.Identity(customer)
				if say == nil {
					r.pbx.silent(100*time.Millisecond, func(m rawMsg) bool { return m.method() == "UPDATE" || m.method() == "INVITE" })
				} else {
					m := r.pbx.next("UPDATE or re-INVITE", func(m rawMsg) bool { return m.method() == "UPDATE" || m.method() == "INVITE" })
					check(what, m, say)
					r.pbx.reply(m, 200, "", "", m.body)
				}
				d.Hangup("")
				r.pbx.reply(r.pbx.request("BYE"), 200, "", "", "")
				want[Ended](ev)
			}
			d, ev, _, _ := r.answered(nil)
			connected("UPDATE", c.calling, d, ev)
			in, _ := r.called("Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n")
			connected("UPDATE of a called line", c.called, in.d, in.ev)
			in, _ = r.called("Allow: INVITE, ACK, BYE, CANCEL\r\n")
			connected("re-INVITE", c.called, in.d, in.ev)
		})
	}
}

// No other writer of identities: a caller's own headers may not be among them.
func TestIdentityHeaderIsOurs(t *testing.T) {
	r := newRig(t, nil)
	for _, name := range []string{"P-Asserted-Identity", "remote-party-id", "Privacy"} {
		_, ev := r.invite(func(p *InviteParams) { p.Headers = []Header{{Name: name, Value: "<sip:1@x>"}} })
		if e := want[Rejected](ev); e.Status != 0 || !strings.Contains(e.Reason, "set by the stack") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
