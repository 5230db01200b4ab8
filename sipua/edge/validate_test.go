package edge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		raw    string
		reason Reason
		status int // 0: silence
	}{
		"request":            {options(), ReasonNone, 0},
		"response":           {ok200(), ReasonNone, 0},
		"no Max-Forwards":    {options("-Max-Forwards"), ReasonNone, 0},
		"no Content-Length":  {options("-Content-Length") + "body", ReasonNone, 0},
		"no body end":        {options("Content-Length: 4") + "body and more", ReasonNone, 0},
		"several Via":        {options("+Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1, SIP/2.0/TLS [2001:db8::1]"), ReasonNone, 0},
		"fold":               {options("To: \"A\"\r\n <sip:a@b>\r\n\t;x=y"), ReasonNone, 0},
		"lower case version": {strings.Replace(options(), "SIP/2.0\r", "sip/2.0\r", 1), ReasonNone, 0},
		"contacts":           {options("+Contact: <sip:a@b>;q=1, \"C, D\" <sips:c@d>", "+m: sip:x@y"), ReasonNone, 0},
		"star":               {register("+Contact: *"), ReasonNone, 0},
		"tel":                {strings.Replace(options(), "sip:anna@example.com SIP", "tel:+380441234567 SIP", 1), ReasonNone, 0},
		"Via ends in ;":      {options("Via: SIP/2.0/UDP 192.0.2.77;branch=z9hG4bK776;"), ReasonNone, 0},
		"quoted Via value":   {options("Via: SIP/2.0/UDP 192.0.2.77;x=\"a;,b\";branch=z9hG4bK776"), ReasonNone, 0},
		"quote in free text": {options("+User-Agent: 19\" rack"), ReasonNone, 0},

		"empty":            {"", ReasonEmpty, 0},
		"HTTP":             {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", ReasonNotSIP, 0},
		"TLS":              {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ReasonNotSIP, 0},
		"word":             {"OPTIONS", ReasonNotSIP, 0},
		"no version":       {"OPTIONS sip:a@b\r\n\r\n", ReasonNotSIP, 0},
		"version 2":        {strings.Replace(options(), "SIP/2.0\r", "SIP/2\r", 1), ReasonVersion, 505},
		"version 2.01":     {strings.Replace(options(), "SIP/2.0\r", "SIP/2.01\r", 1), ReasonVersion, 505},
		"response version": {strings.Replace(ok200(), "SIP/2.0 ", "SIP/3.0 ", 1), ReasonVersion, 0},
		"status 99":        {strings.Replace(ok200(), " 200 ", " 099 ", 1), ReasonStartLine, 0},
		"status 700":       {strings.Replace(ok200(), " 200 ", " 700 ", 1), ReasonStartLine, 0},
		"status 20":        {strings.Replace(ok200(), " 200 OK", " 20", 1), ReasonStartLine, 0},
		"no URI":           {"OPTIONS SIP/2.0\r\n\r\n", ReasonStartLine, 400},
		"tab in line":      {strings.Replace(options(), " SIP/2.0\r", "\tSIP/2.0\r", 1), ReasonNotSIP, 0},
		"NUL in URI":       {strings.Replace(options(), "anna@", "an\x00na@", 1), ReasonControl, 400},
		"no host":          {strings.Replace(options(), "sip:anna@example.com SIP", "sip:anna@ SIP", 1), ReasonURI, 400},
		"no user":          {strings.Replace(options(), "sip:anna@example.com SIP", "sip:@example.com SIP", 1), ReasonURI, 400},
		"port":             {strings.Replace(options(), "example.com SIP", "example.com:65536 SIP", 1), ReasonURI, 400},
		"no scheme":        {strings.Replace(options(), "sip:anna@example.com SIP", "anna SIP", 1), ReasonURI, 400},
		"scheme":           {strings.Replace(options(), "sip:anna@example.com SIP", "mailto:anna@example.com SIP", 1), ReasonScheme, 416},
		"open bracket":     {strings.Replace(options(), "example.com SIP", "[2001:db8::1 SIP", 1), ReasonURI, 400},
		"bracket name":     {strings.Replace(options(), "example.com SIP", "[example] SIP", 1), ReasonURI, 400},
		"escaped header":   {strings.Replace(options(), "example.com SIP", "example.com?To=x SIP", 1), ReasonURI, 400},

		"unterminated":    {strings.TrimSuffix(options(), "\r\n"), ReasonUnterminated, 400},
		"cut in a line":   {options()[:150], ReasonUnterminated, 400},
		"LF ends":         {strings.ReplaceAll(options(), "\r\n", "\n"), ReasonLineEnd, 400},
		"CR inside":       {options("+Subject: a\rb"), ReasonLineEnd, 400},
		"LF inside":       {options("+Subject: a\nX: b"), ReasonLineEnd, 400},
		"NUL":             {options("+Subject: a\x00b"), ReasonControl, 400},
		"NUL in quotes":   {options("To: \"a\x00b\" <sip:a@b>"), ReasonControl, 400},
		"escape without":  {options("+Subject: a\\\x00b"), ReasonControl, 400},
		"quoted pair":     {options("To: \"a\\\x00b\" <sip:a@b>"), ReasonNone, 0},
		"escape":          {options("+Subject: \x1b[2J"), ReasonControl, 400},
		"DEL":             {options("+Subject: \x7f"), ReasonControl, 400},
		"name with space": {options("+Sub ject: x"), ReasonHeaderName, 400},
		"no name":         {options("+: x"), ReasonHeaderName, 400},
		"no colon":        {options("+Subject"), ReasonHeaderName, 400},
		"name of 8 bits":  {options("+Sübject: x"), ReasonHeaderName, 400},
		"fold at once":    {strings.Replace(options(), "\r\nVia", "\r\n Via", 1), ReasonHeaderName, 400},
		"257 headers":     {options(slices.Repeat([]string{"+Y: z"}, 250)...), ReasonTooLarge, 513},
		"256 headers":     {options(slices.Repeat([]string{"+Y: z"}, 249)...), ReasonNone, 0},

		"no To":               {options("-To"), ReasonMissing, 400},
		"no From":             {options("-From"), ReasonMissing, 400},
		"no Call-ID":          {options("-Call-ID"), ReasonMissing, 400},
		"no CSeq":             {options("-CSeq"), ReasonMissing, 400},
		"no Via":              {options("-Via"), ReasonMissing, 400},
		"response, no CSeq":   {ok200("-CSeq"), ReasonMissing, 0},
		"two To":              {options("+t: <sip:a@b>"), ReasonRepeated, 400},
		"two From":            {options("+F: <sip:a@b>"), ReasonRepeated, 400},
		"two Call-ID":         {options("+i: x"), ReasonRepeated, 400},
		"two CSeq":            {options("+CSEQ: 7 OPTIONS"), ReasonRepeated, 400},
		"two Max-Forwards":    {options("+max-forwards: 70"), ReasonRepeated, 400},
		"two Expires":         {options("+Expires: 1", "+Expires: 1"), ReasonRepeated, 400},
		"two Content-Type":    {options("+Content-Type: a/b", "+c: a/b"), ReasonRepeated, 400},
		"two Replaces":        {options("+Replaces: a;to-tag=1;from-tag=2", "+Replaces: b;to-tag=1;from-tag=2"), ReasonRepeated, 400},
		"two Refer-To":        {options("+Refer-To: <sip:a@b>", "+r: <sip:a@b>"), ReasonRepeated, 400},
		"two Session-Expires": {options("+Session-Expires: 90", "+x: 90"), ReasonRepeated, 400},
		"two lengths":         {options("+l: 0"), ReasonBadLength, 400},
		"length above":        {options("Content-Length: 1"), ReasonLength, 400},
		"compact above":       {options("-Content-Length", "+L : 4294967295"), ReasonLength, 400},
		"bomb":                {options("Content-Length: 4294967295"), ReasonLength, 400},
		"huge":                {options("Content-Length: 99999999999999999999999999"), ReasonLength, 400},
		"minus length":        {options("Content-Length: -1"), ReasonBadLength, 400},
		"plus length":         {options("Content-Length: +1"), ReasonBadLength, 400},
		"no length value":     {options("Content-Length: "), ReasonBadLength, 400},
		"two numbers":         {options("Content-Length: 0, 0"), ReasonBadLength, 400},
		"response length":     {ok200("Content-Length: 1"), ReasonLength, 0},

		"CSeq 2^31":          {options("CSeq: 2147483648 OPTIONS"), ReasonCSeq, 400},
		"CSeq 2^31-1":        {options("CSeq: 2147483647 OPTIONS"), ReasonNone, 0},
		"minus CSeq":         {options("CSeq: -1 OPTIONS"), ReasonCSeq, 400},
		"CSeq, no method":    {options("CSeq: 7"), ReasonCSeq, 400},
		"CSeq, two methods":  {options("CSeq: 7 OPTIONS BYE"), ReasonCSeq, 400},
		"CSeq case":          {options("CSeq: 7 options"), ReasonMethodMismatch, 400},
		"Max-Forwards 256":   {options("Max-Forwards: 256"), ReasonNumber, 400},
		"minus Max-Forwards": {options("Max-Forwards: -1"), ReasonNumber, 400},
		"Expires 2^32":       {options("+Expires: 4294967296"), ReasonNumber, 400},
		"Expires 2^32-1":     {options("+Expires: 4294967295"), ReasonNone, 0},
		"minus Expires":      {options("+Expires: -1"), ReasonNumber, 400},
		"Call-ID of two":     {options("Call-ID: a b"), ReasonCallID, 400},
		"empty Call-ID":      {options("Call-ID: "), ReasonCallID, 400},

		"Via, no host":       {options("Via: SIP/2.0/UDP ;branch=z9hG4bK1"), ReasonVia, 400},
		"Via version":        {options("Via: SIP/1.0/UDP 192.0.2.1;branch=z9hG4bK1"), ReasonVia, 400},
		"Via, no transport":  {options("Via: SIP/2.0 192.0.2.1;branch=z9hG4bK1"), ReasonVia, 400},
		"Via, empty value":   {options("Via: SIP/2.0/UDP 192.0.2.1;branch=;rport"), ReasonVia, 400},
		"Via, open quote":    {options("Via: SIP/2.0/UDP 192.0.2.1;x=\"y"), ReasonVia, 400},
		"Via, rubbish":       {options("Via: SIP/2.0/UDP 192.0.2.1 x"), ReasonVia, 400},
		"empty Via":          {options("Via: "), ReasonVia, 400},
		"response, two Via":  {ok200("+Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"), ReasonVia, 0},
		"response, Via list": {ok200("Via: SIP/2.0/UDP a, SIP/2.0/UDP b"), ReasonVia, 0},

		"To, open quote":   {options("To: \"a <sip:a@b>"), ReasonAddress, 400},
		"To, open bracket": {options("To: <sip:a@b"), ReasonAddress, 400},
		"To, space in URI": {options("To: <sip:a @b>"), ReasonAddress, 400},
		"To, no scheme":    {options("To: <a@b>"), ReasonAddress, 400},
		"To, empty":        {options("To: "), ReasonAddress, 400},
		"To, empty URI":    {options("To: <>"), ReasonAddress, 400},
		"To, list":         {options("To: <sip:a@b>, <sip:c@d>"), ReasonAddress, 400},
		"To, rubbish":      {options("To: <sip:a@b> x"), ReasonAddress, 400},
		"To, open param":   {options("To: <sip:a@b>;x=\"y"), ReasonAddress, 400},
		"Contact, half":    {options("+Contact: <sip:a@b>, "), ReasonAddress, 400},
		"From, only URI":   {options("From: tel:+380441234567;tag=1"), ReasonNone, 0},

		"broken ACK": {"ACK sip:a@b SIP/2.0\r\nVia: x\r\n\r\n", ReasonVia, 0},
	} {
		t.Run(name, func(t *testing.T) {
			v := Validate([]byte(c.raw), false)
			action := Drop
			switch {
			case c.reason == ReasonNone:
				action = Accept
			case c.status != 0:
				action = Answer
			}
			if v.Reason != c.reason || v.Status != c.status || v.Action != action {
				t.Errorf("got %v %v %d, want %v %v %d", v.Action, v.Reason, v.Status, action, c.reason, c.status)
			}
		})
	}
}

func TestValidateStreamNeedsLength(t *testing.T) {
	if v := Validate([]byte(options("-Content-Length")), true); v.Reason != ReasonNoLength || v.Status != 400 {
		t.Errorf("%+v", v)
	}
	if v := Validate([]byte(options()), true); v.Action != Accept || v.Size != len(options()) {
		t.Errorf("%+v", v)
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range append(Reasons(), ReasonNone) {
		if s := r.String(); s == "" || seen[s] {
			t.Errorf("reason %d: name %q", r, s)
		} else {
			seen[s] = true
		}
	}
	if s := fmt.Sprint(reasonCount, Accept, Answer, Drop, Action(0)); s != "unknown accept answer drop none" {
		t.Error(s)
	}
}

func TestValidateDoesNotAllocate(t *testing.T) {
	inputs := [][]byte{[]byte(options()), []byte(options("Content-Length: 4294967295")), []byte(ok200("-CSeq")), []byte("rubbish")}
	for _, raw := range corpusFiles(t) {
		inputs = append(inputs, raw)
	}
	if n := testing.AllocsPerRun(100, func() {
		for _, raw := range inputs {
			Validate(raw, false)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkValidate(b *testing.B) {
	raw := []byte(options())
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if Validate(raw, false).Action != Accept {
			b.Fatal("refused")
		}
	}
}
