package webhook

import (
	"cordboard/plugins/sdk"
)

// Settings is what stands under config: in the daemon's configuration. Relative paths start from the
// configuration's folder.
type Settings struct {
	Deliver       Deliver      `json:"deliver,omitzero" jsonschema:"events, sent to a URL"`
	Lookup        Ask          `json:"lookup,omitzero" jsonschema:"who a caller is, asked at a URL"`
	Search        Ask          `json:"search,omitzero" jsonschema:"contacts by name, asked at a URL"`
	Secrets       []sdk.Secret `json:"secrets,omitempty" jsonschema:"keys that requests are signed with, as whsec_ and base64; several while they are changed"`
	Authorization sdk.Secret   `json:"authorization,omitzero" jsonschema:"value of the Authorization header of requests, where the receiver wants one"`
	CA            string       `json:"ca,omitempty" jsonschema:"PEM file of the authorities that may have signed the receiver's certificate; without it the system's"`
	Plaintext     bool         `json:"plaintext,omitempty" jsonschema:"allow http:// to other machines"`
	Digits        bool         `json:"digits,omitempty" jsonschema:"tell the keys that parties press, too; they may belong to a card"`
	API           API          `json:"api,omitzero" jsonschema:"call control by HTTP"`
}

// Deliver says where events go.
type Deliver struct {
	URL     string       `json:"url,omitempty" jsonschema:"where events are sent with POST"`
	Kinds   []string     `json:"kinds,omitempty" jsonschema:"only these events; without it all"`
	Batch   int          `json:"batch,omitempty" jsonschema:"most events of one request"`
	Timeout sdk.Duration `json:"timeout,omitempty" jsonschema:"longest wait for an answer"`
	MaxWait sdk.Duration `json:"max_wait,omitempty" jsonschema:"longest wait between two tries"`
	Refused string       `json:"refused,omitempty" jsonschema:"what becomes of an event that is refused for its content (400, 413, 422): wait or skip"`
}

// Ask says where a question goes.
type Ask struct {
	URL     string       `json:"url,omitempty" jsonschema:"where the question is sent with POST"`
	Timeout sdk.Duration `json:"timeout,omitempty" jsonschema:"longest wait for the answer"`
}

// API says where the HTTP API listens, and who may use it.
type API struct {
	Listen    string   `json:"listen,omitempty" jsonschema:"address and port, as 127.0.0.1:8480; without it there is no API"`
	Cert      string   `json:"cert,omitempty" jsonschema:"PEM file of the certificate; read again when it changes"`
	Key       string   `json:"key,omitempty" jsonschema:"PEM file of its key"`
	Plaintext bool     `json:"plaintext,omitempty" jsonschema:"allow HTTP without TLS to other machines, as behind a proxy"`
	Hosts     []string `json:"hosts,omitempty" jsonschema:"names by which the API is called, besides localhost and addresses"`
	Origins   []string `json:"origins,omitempty" jsonschema:"pages whose scripts may call the API, as https://crm.example.com"`
	Tokens    []Token  `json:"tokens,omitempty" jsonschema:"who may use it"`
}

// Token is a bearer token of the API.
type Token struct {
	Name   string     `json:"name" jsonschema:"by which logs mean it"`
	Secret sdk.Secret `json:"secret" jsonschema:"the token, of 32 characters or more"`
	Agents []string   `json:"agents,omitempty" jsonschema:"agents whose calls it sees and controls; without it all"`
	Read   bool       `json:"read_only,omitempty" jsonschema:"it sees and controls nothing"`
}
