// Package configs holds the daemon's configuration: its types, the shipped
// examples, and a strict loader. A file is read whole and every mistake in it is
// reported at once, each with file, line, column and what to write instead; a
// file with a mistake gives no configuration at all.
//
// Paths in a file are relative to the folder of that file; Load makes them
// absolute. Secrets are read at load and never printed.
package configs

// Config is one whole configuration. Only Load and Default make one.
type Config struct {
	SIP      SIP       `json:"sip" jsonschema:"SIP listeners, the address peers are told, TLS" example:"{listen: [udp://192.0.2.10:5060]}"`
	RTP      RTP       `json:"rtp,omitzero" jsonschema:"media ports, time limits, learning of sources"`
	Phones   Phones    `json:"phones,omitzero" jsonschema:"the registrar for agents' SIP phones"`
	Control  Control   `json:"control,omitzero" jsonschema:"the local control socket used by the command line"`
	StateDir Path      `json:"state_dir,omitempty" jsonschema:"folder for what the daemon keeps over a restart; made if missing" example:"/var/lib/cordboard" reload:"restart"`
	Journal  Journal   `json:"journal,omitzero" jsonschema:"where events, command results and adapters' places are kept"`
	Log      Log       `json:"log,omitzero" jsonschema:"what is logged and how"`
	Metrics  Metrics   `json:"metrics,omitzero" jsonschema:"Prometheus metrics over HTTP"`
	Trunks   []Trunk   `json:"trunks,omitempty" jsonschema:"the PBXs and carriers at which lines register"`
	Music    Music     `json:"music,omitzero" jsonschema:"what held customers hear"`
	Tones    Tones     `json:"tones,omitzero" jsonschema:"ring-back, busy and reminder tones"`
	Agents   []Agent   `json:"agents,omitempty" jsonschema:"the people: a line, a device and their own policies each"`
	Adapters []Adapter `json:"adapters,omitempty" jsonschema:"processes that connect CRMs and other systems to the daemon"`
	Include  []string  `json:"include,omitempty" jsonschema:"files with more agents (shell patterns); each holds one agent or a list of agents" example:"[agents/*.yaml]"`
	Calls    Calls     `json:"calls,omitzero" jsonschema:"what happens when nobody answers, somebody hangs up or a device is lost"`
	Limits   Limits    `json:"limits,omitzero" jsonschema:"ceilings against overload and toll fraud"`

	folder string
}

// Folder is the absolute folder of the configuration's file; empty for Default.
func (c *Config) Folder() string { return c.folder }

// Path is a file or folder. Load makes it absolute: a relative one is taken from
// the folder of the file it was written in.
type Path string

// Control is the local control socket.
type Control struct {
	Socket Path   `json:"socket,omitempty" jsonschema:"unix socket on which the command line and local tools control calls" example:"/run/cordboard/control.sock" reload:"restart"`
	Mode   Mode   `json:"mode,omitempty" jsonschema:"permission bits of the socket, octal in quotes; who may open it may make calls" example:"\"0660\"" reload:"restart"`
	Group  string `json:"group,omitempty" jsonschema:"group that owns the socket, name or number; empty: the daemon's own" example:"callcentre" reload:"restart"`
}

// Log says what is logged and how.
type Log struct {
	Level  LogLevel  `json:"level,omitempty" jsonschema:"least important lines that are written" example:"debug"`
	Format LogFormat `json:"format,omitempty" jsonschema:"text for people and journald, json for collectors" example:"json" reload:"restart"`
}

// Metrics is the Prometheus endpoint.
type Metrics struct {
	Listen HostPort `json:"listen,omitzero" jsonschema:"address and port of the metrics page (/metrics); empty: off" example:"127.0.0.1:9464" reload:"restart"`
}

// Music is what held customers hear.
type Music struct {
	Default Path            `json:"default,omitempty" jsonschema:"WAV file for queues without their own; empty: a built-in melody" example:"music/hold.wav"`
	Queues  map[string]Path `json:"queues,omitempty" jsonschema:"WAV file by queue name, as the trunk names the queue in its header" example:"{Sales: music/sales.wav}"`
	Level   float64         `json:"level,omitempty" jsonschema:"loudness to which every file is brought, dBFS (RMS)" min:"-60" max:"-6" example:"-20"`
}

// For returns the file for a queue, or the default one; empty when there is none.
func (m Music) For(queue string) Path {
	if p, ok := m.Queues[queue]; ok {
		return p
	}
	return m.Default
}
