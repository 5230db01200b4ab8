package contacts

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold is a text as it is searched: lower case, without accents, words apart by one space.
func fold(s string) string {
	var b strings.Builder
	space := false
	for _, r := range norm.NFD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’', r == 'ʼ':
			continue
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Ranks of what is found, best first.
const (
	rankWhole  = iota // the name is what was asked for
	rankStart         // the name begins with it
	rankWords         // each word asked for begins a word of the name
	rankWithin        // each word is somewhere in it
	rankNumber        // it is a part of a number
	rankNone
)

// longestQuery is the most of a question that is looked at, in bytes.
const longestQuery = 256

// search finds records by words of the name in any order and by digits of a number, best first.
func (b *book) search(query string, n numbers, most int) []record {
	query = strings.ToValidUTF8(query[:min(len(query), longestQuery)], "")
	asked := fold(query)
	words := strings.Fields(asked)
	digits := strings.TrimLeft(digitsOf(query), "0") // of a trunk or country: other than in E.164
	if len(digits) < 3 {                             // so few are in half of the numbers
		digits = ""
	}
	whole := ""
	if digits != "" {
		whole = n.key(query)
	}
	if asked == "" {
		return nil
	}
	type hit struct {
		rank int
		at   int
	}
	var hits []hit
	for i := range b.records {
		if rank := b.records[i].rank(asked, words, digits, whole); rank < rankNone {
			hits = append(hits, hit{rank, i})
		}
	}
	slices.SortStableFunc(hits, func(x, y hit) int {
		return cmp.Or(cmp.Compare(x.rank, y.rank), strings.Compare(b.records[x.at].words, b.records[y.at].words))
	})
	out := make([]record, 0, min(len(hits), most))
	for _, h := range hits[:min(len(hits), most)] {
		out = append(out, b.records[h.at])
	}
	return out
}

func (r *record) rank(asked string, words []string, digits, whole string) int {
	switch {
	case r.words == asked:
		return rankWhole
	case strings.HasPrefix(r.words, asked):
		return rankStart
	}
	rank := rankWords
	for _, w := range words {
		switch {
		case strings.HasPrefix(r.words, w), strings.Contains(r.words, " "+w):
		case strings.Contains(r.words, w):
			rank = rankWithin
		default:
			return r.rankNumber(digits, whole)
		}
	}
	return rank
}

func (r *record) rankNumber(digits, whole string) int {
	if digits == "" {
		return rankNone
	}
	for _, p := range r.phones {
		if p.Number == whole || strings.Contains(p.Number, digits) {
			return rankNumber
		}
	}
	return rankNone
}
