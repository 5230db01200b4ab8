package configs

import "time"

// Agent is a person with a line and a device.
type Agent struct {
	Name        string        `json:"name" jsonschema:"name by which commands, logs and adapters mean this agent" example:"anna"`
	Display     string        `json:"display,omitempty" jsonschema:"name shown to people; empty: name" example:"Anna Koval"`
	Line        Line          `json:"line" jsonschema:"the agent's SIP account at a trunk" example:"{trunk: pbx, user: \"1001\", password: {file: secrets/1001}}"`
	Device      Device        `json:"device" jsonschema:"where the agent hears and speaks" example:"{user: anna-phone, password: {file: secrets/anna-phone}}"`
	CallWaiting CallWaiting   `json:"call_waiting,omitempty" jsonschema:"a second call while the agent talks: busy refuses it, wait offers it with a tone. Empty: calls.call_waiting" example:"wait"`
	WrapUp      time.Duration `json:"wrap_up,omitempty" jsonschema:"time after an answered queue call (trunks[].headers.queue) before the next is offered. Left out: calls.wrap_up" min:"0s" max:"1h" example:"15s"`
}

// Line is an agent's SIP account at a trunk.
type Line struct {
	Trunk    string `json:"trunk" jsonschema:"name of the trunk" example:"pbx"`
	User     string `json:"user" jsonschema:"user part of the line's address" example:"\"1001\""`
	AuthUser string `json:"auth_user,omitempty" jsonschema:"user name for digest; empty: user" example:"1001-auth"`
	Password Secret `json:"password,omitzero" jsonschema:"digest password, never written here: {file: PATH}, {env: NAME} or {credential: NAME}" example:"{file: secrets/1001}"`
	Number   string `json:"number,omitempty" jsonschema:"number shown to those called; empty: user" example:"\"+380441234567\""`
	Display  string `json:"display,omitempty" jsonschema:"name shown to those called; empty: none" example:"Example Ltd"`
}

// Device is where the agent's audio lives.
type Device struct {
	Kind       DeviceKind `json:"kind,omitempty" jsonschema:"what it is" example:"phone"`
	Connect    Connect    `json:"connect,omitempty" jsonschema:"on_demand: called for each call; persistent: one long audio connection into which calls are patched" example:"on_demand"`
	User       string     `json:"user,omitempty" jsonschema:"user name with which the phone registers at the daemon" example:"anna-phone"`
	Password   Secret     `json:"password,omitzero" jsonschema:"the phone's password, never written here: {file: PATH}, {env: NAME} or {credential: NAME}" example:"{file: secrets/anna-phone}"`
	Contact    URI        `json:"contact,omitzero" jsonschema:"fixed address of a phone that does not register: sip:[USER@]HOST[:PORT][;transport=udp|tcp|tls]" example:"sip:anna@192.168.10.21:5060"`
	AutoAnswer bool       `json:"auto_answer,omitempty" jsonschema:"ask the phone to answer by itself, with the headers common phones know, when the agent answers or dials in the panel" example:"true"`
	Codecs     []Codec    `json:"codecs,omitempty" jsonschema:"codecs offered to the device, best first" example:"[PCMA, PCMU]"`
}

// Agent returns the agent of that name.
func (c *Config) Agent(name string) (Agent, bool) {
	for i := range c.Agents {
		if c.Agents[i].Name == name {
			return c.Agents[i], true
		}
	}
	return Agent{}, false
}
