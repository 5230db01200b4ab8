package digest

import "testing"

// The examples of RFC 2617 §3.5 and RFC 7616 §3.9 (as corrected by its errata for
// SHA-512-256), which RFC 8760 takes over for SIP.
func TestVectors(t *testing.T) {
	const (
		nonce7616  = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
		cnonce7616 = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	)
	for _, tt := range []struct {
		name, user, password, realm, nonce, uri, cnonce, want string
		alg                                                   Algorithm
		qop                                                   bool
	}{
		{"rfc2617", "Mufasa", "Circle Of Life", "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "/dir/index.html", "0a4f113b", "6629fae49393a05397450978507c4ef1", MD5, true},
		{"rfc2069 form", "Mufasa", "Circle Of Life", "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "/dir/index.html", "", "670fd8c2df070c60b045671b8b24ff02", MD5, false},
		{"rfc7616 md5", "Mufasa", "Circle of Life", "http-auth@example.org", nonce7616, "/dir/index.html", cnonce7616, "8ca523f5e9506fed4657c9700eebdbec", MD5, true},
		{"rfc7616 sha-256", "Mufasa", "Circle of Life", "http-auth@example.org", nonce7616, "/dir/index.html", cnonce7616, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", SHA256, true},
		{"rfc7616 sha-512-256", "J\u00e4s\u00f8n Doe", "Secret, or not?", "api@example.org", "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "/doe.json", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5", SHA512t256, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Challenge{Realm: tt.realm, Nonce: tt.nonce, Algorithm: tt.alg, QOP: tt.qop}
			a, err := c.answer(tt.user, NewSecret(tt.password), "GET", tt.uri, 1, tt.cnonce)
			if err != nil || a.Response != tt.want {
				t.Fatalf("response %q, %v; want %q", a.Response, err, tt.want)
			}
		})
	}
}
