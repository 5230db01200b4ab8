package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cordboard/callcontrol"
)

// EventKinds reads a list of events in a configuration; nil, which means all, for one that is not there. An
// empty list is an error, as is a word that is no event: it then tells which there are.
func EventKinds(words []string) (map[callcontrol.EventKind]bool, error) {
	if words == nil {
		return nil, nil
	}
	if len(words) == 0 {
		return nil, errors.New("the list is empty")
	}
	out := map[callcontrol.EventKind]bool{}
	for _, w := range words {
		k := callcontrol.EventKind(w)
		if !slices.Contains(callcontrol.EventKinds, k) {
			return nil, fmt.Errorf("%q is no event: there are %s", w, joined(callcontrol.EventKinds))
		}
		out[k] = true
	}
	return out, nil
}

func joined(kinds []callcontrol.EventKind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return strings.Join(words, ", ")
}

// Encode is v as JSON in one line without an end, with <, > and & as they are: it is not for web pages.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}
