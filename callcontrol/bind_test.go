package callcontrol

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBind(t *testing.T) {
	anna, borys, clara := Contact{ID: "1", Name: "Anna", Kind: "contact"}, Contact{ID: "2", Name: "Borys", Kind: "contact"}, Contact{ID: "1", Name: "Clara", Kind: "account"}
	many := make([]Contact, MaxCandidates)
	for i := range many {
		many[i] = Contact{ID: strconv.Itoa(100 + i)}
	}
	bind := func(chosen Contact, candidates ...Contact) Command {
		return Command{Kind: KindBind, Contact: chosen, Candidates: candidates}
	}
	for _, c := range []struct {
		id         string
		binds      []Command
		contact    Contact
		candidates []Contact
	}{
		{"nothing", []Command{bind(Contact{})}, Contact{}, nil},
		{"one", []Command{bind(Contact{}, anna)}, anna, []Contact{anna}},
		{"two", []Command{bind(Contact{}, anna, borys)}, Contact{}, []Contact{anna, borys}},
		{"same_id_other_kind", []Command{bind(Contact{}, anna, clara)}, Contact{}, []Contact{anna, clara}},
		{"twice_the_same", []Command{bind(Contact{}, anna, anna)}, anna, []Contact{anna}},
		{"agent_picks", []Command{bind(Contact{}, anna, borys), bind(borys)}, borys, []Contact{anna, borys}},
		{"agent_picks_another", []Command{bind(Contact{}, anna, borys), bind(borys), bind(anna)}, anna, []Contact{anna, borys}},
		{"late_answer_after_pick", []Command{bind(borys), bind(Contact{}, anna)}, borys, []Contact{anna}},
		{"late_answer_after_one", []Command{bind(Contact{}, anna), bind(Contact{}, borys)}, anna, []Contact{anna, borys}},
		{"picked_with_candidates", []Command{bind(borys, anna)}, borys, []Contact{anna}},
		{"none_found_later", []Command{bind(Contact{}, anna), {Kind: KindBind, Variables: []Variable{{"a", "1"}}}}, anna, []Contact{anna}},
		{"taken_away", []Command{bind(Contact{}, anna), bind(Contact{})}, Contact{}, []Contact{anna}},
		{"taken_away_stays_away", []Command{bind(Contact{}, anna), bind(Contact{}), {Kind: KindBind, Variables: []Variable{{"a", "1"}}}}, Contact{}, []Contact{anna}},
		{"bounded", []Command{bind(Contact{}, many...), bind(Contact{}, anna)}, Contact{}, many},
	} {
		t.Run(c.id, func(t *testing.T) {
			s := newScene().talk()
			for i := range c.binds {
				s.must(Input{Command: &c.binds[i]})
			}
			v := callView(&s.d, &s.d.calls[0])
			if v.Contact != c.contact {
				t.Errorf("contact %+v, want %+v", v.Contact, c.contact)
			}
			if d := cmp.Diff(c.candidates, slices.Clip(v.Candidates)); d != "" {
				t.Errorf("candidates (-want +got):\n%s", d)
			}
		})
	}
}

// What was told in an event does not change under its readers.
func TestBindLeavesOldViews(t *testing.T) {
	s := newScene().talk()
	s.must(Input{Command: &Command{Kind: KindBind, Candidates: []Contact{{ID: "1"}, {ID: "2"}}, Variables: []Variable{{"a", "1"}}}})
	old := callView(&s.d, &s.d.calls[0])
	s.must(Input{Command: &Command{Kind: KindBind, Candidates: []Contact{{ID: "3"}}, Variables: []Variable{{"a", "2"}}}})
	if len(old.Candidates) != 2 || old.Variables[0].Value != "1" {
		t.Errorf("%+v", old)
	}
}

// The phone shows the bound record's name: in the INVITE when it is known by then, else as soon as the
// agent talks or the record is bound, once.
func TestBoundNameOnThePhone(t *testing.T) {
	olena := Contact{ID: "1", Name: "Olena Boiko"}
	named := func(acts []Action) (names []string) {
		for _, a := range acts {
			switch {
			case a.Kind == ActIdentify:
				names = append(names, "identify "+a.Identity.Display+" "+string(a.Identity.Number))
			case a.Kind == ActInvite && a.Invite.Device:
				names = append(names, "invite "+a.Invite.From.Display+" "+string(a.Invite.From.Number))
			}
		}
		return names
	}
	bind := func(s *scene, c Contact) { s.must(Input{Command: &Command{Kind: KindBind, Contact: c}}) }
	for _, c := range []struct {
		name string
		play func(*scene)
		want []string
	}{
		{"bound in the talk", func(s *scene) { s.talk(); bind(s, olena); bind(s, olena) }, []string{"identify Olena Boiko 555"}},
		{"bound while it rings, picked up", func(s *scene) { s.offer(); bind(s, olena); s.deviceAnswers(); s.signal(SignalAnswered, s.customer) }, []string{"identify Olena Boiko 555"}},
		{"bound while it rings, answered by command", func(s *scene) {
			s.offer()
			bind(s, olena)
			s.cmd(KindAnswer)
			s.deviceAnswers()
			s.signal(SignalAnswered, s.customer)
		}, []string{"invite Olena Boiko 555"}},
		{"the next callers at a persistent device are nobody known", func(s *scene) {
			s.talk()
			bind(s, olena)
			for _, n := range []Number{"556", "557"} {
				s.signal(SignalEnded, s.customer, byPeer)
				s.offer(func(o *Offer) { o.From = Identity{Display: "Customer", Number: n} })
				s.cmd(KindAnswer)
				s.signal(SignalAnswered, s.customer)
			}
		}, []string{"identify Olena Boiko 555", "identify Customer 556", "identify Customer 557"}},
		{"swapped to somebody unknown and back", func(s *scene) {
			s.talk()
			bind(s, olena)
			s.consultTalk().swap()
		}, []string{"identify Olena Boiko 555", "identify  300", "identify Olena Boiko 555"}},
		{"a bind taken back", func(s *scene) { s.talk(); bind(s, olena); bind(s, Contact{}); bind(s, Contact{}) }, []string{"identify Olena Boiko 555", "identify Customer 555"}},
		{"bound to a record without a name", func(s *scene) { s.talk(); bind(s, olena); bind(s, Contact{ID: "2"}) }, []string{"identify Olena Boiko 555", "identify Customer 555"}},
		{"known by the INVITE, taken back", func(s *scene) {
			s.offer()
			bind(s, olena)
			s.cmd(KindAnswer)
			s.deviceAnswers()
			s.signal(SignalAnswered, s.customer)
			bind(s, Contact{})
		}, []string{"invite Olena Boiko 555", "identify Customer 555"}},
		{"the customer's own name changes under it", func(s *scene) {
			s.talk()
			bind(s, olena)
			s.signal(SignalIdentity, s.customer, func(sig *Signal) { sig.Identity = Identity{Display: "O. B.", Number: "555"} })
			bind(s, Contact{})
		}, []string{"identify Olena Boiko 555", "identify Olena Boiko 555", "identify O. B. 555"}},
		{"the agent's own call after a talk", func(s *scene) {
			s.talk()
			bind(s, olena)
			s.signal(SignalEnded, s.customer, byPeer)
			s.signal(SignalEnded, s.d.device.ending)
			s.must(Input{Offer: &Offer{Kind: OfferDevice, Leg: "dev-1", To: "555"}})
			s.signal(SignalAnswered, "dev-1")
			s.customer = s.d.calls[0].legs[0].id
			s.signal(SignalAnswered, s.customer)
			bind(s, Contact{ID: "1", Name: "Olena Boiko"})
		}, []string{"identify Olena Boiko 555", "identify Olena Boiko 555"}},
		{"a record without a name", func(s *scene) { s.talk(); bind(s, Contact{ID: "1"}) }, nil},
	} {
		s := newScene(func(d *DeskConfig) {
			if strings.Contains(c.name, "persistent") {
				d.Connect = Persistent
			}
		})
		c.play(s)
		got := slices.DeleteFunc(named(s.all), func(s string) bool { return s == "invite Customer 555" || s == "invite  100" }) // before anything was known
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
