package main

import (
	"time"

	"github.com/alecthomas/kong"
)

const description = "Headless SIP/RTP media gateway for contact centres.\n\nWithout --call a verb means the agent's current call. Every command takes --json; exit codes: 0 done, 1 failed, 4 refused, 64 wrong usage (docs/cli.md)."

var groups = []kong.Group{
	{Key: "daemon", Title: "Daemon"},
	{Key: "look", Title: "Look"},
	{Key: "call", Title: "Calls"},
	{Key: "transfer", Title: "Transfers"},
	{Key: "agent", Title: "Agents"},
}

type cli struct {
	Socket  string        `help:"The daemon's control socket." env:"CORDBOARD_SOCKET" default:"/run/cordboard/control.sock" placeholder:"PATH"`
	JSON    bool          `help:"Print JSON; errors too."`
	Timeout time.Duration `help:"Longest wait for the daemon's answer." default:"30s"`

	Version kong.VersionFlag `help:"Print the version."`

	Serve  serveCommand  `cmd:"" group:"daemon" help:"Run the gateway."`
	Check  checkCommand  `cmd:"" group:"daemon" help:"Check a configuration: every mistake at once."`
	Plan   planCommand   `cmd:"" group:"daemon" help:"What a changed configuration would do to a running daemon: reload or restart, lines, calls."`
	Reload reloadCommand `cmd:"" group:"daemon" help:"Let the daemon read its configuration again: all of it or nothing, calls go on."`
	Doctor doctorCommand `cmd:"" group:"daemon" help:"Try what the configuration needs of this host and its peers."`
	Demo   demoCommand   `cmd:"" group:"daemon" help:"Play the manual's story on loopback and measure what each party hears."`
	Sim    simCommand    `cmd:"" group:"daemon" help:"A small telephone world to try a daemon with: PBX, phones, customers."`

	Adapter adapterCommand `cmd:"" hidden:"" group:"daemon" help:"Serve as an adapter; the daemon runs this."`
	Manual  manualCommand  `cmd:"" hidden:"" group:"daemon" help:"Write the manual page, or the completion for bash; packages do this."`

	Agents   agentsCommand   `cmd:"" group:"look" help:"List agents: line, device, status, and why not available."`
	Calls    callsCommand    `cmd:"" group:"look" help:"List live calls."`
	Why      whyCommand      `cmd:"" group:"look" help:"Every reason for which an agent gets no queue call now."`
	Adapters adaptersCommand `cmd:"" group:"look" help:"List adapters: state, process, events not taken yet, last trouble."`
	History  historyCommand  `cmd:"" group:"look" help:"List calls that have ended: who ended them and why, how their time was spent."`
	Search   searchCommand   `cmd:"" group:"look" help:"Find contacts in what the adapters know, by name or number."`
	Watch    watchCommand    `cmd:"" group:"look" help:"Follow events as they happen, over restarts of the daemon."`

	Dial     dialCommand     `cmd:"" group:"call" help:"Call the agent's device, then a number from the agent's line."`
	Answer   answerCommand   `cmd:"" group:"call" help:"Answer the call that rings."`
	Reject   rejectCommand   `cmd:"" group:"call" help:"Refuse the call that rings."`
	Hangup   hangupCommand   `cmd:"" group:"call" help:"End a call, or one party of it."`
	Hold     holdCommand     `cmd:"" group:"call" help:"Give the customer music."`
	Retrieve retrieveCommand `cmd:"" group:"call" help:"Take a held call back."`
	Mute     muteCommand     `cmd:"" group:"call" help:"Keep the agent's voice from the others."`
	Unmute   unmuteCommand   `cmd:"" group:"call" help:"End mute."`
	Digits   digitsCommand   `cmd:"" group:"call" help:"Send DTMF digits to the other party."`

	Transfer   transferCommand   `cmd:"" group:"transfer" help:"Blind transfer: send the customer to a number at once."`
	Consult    consultCommand    `cmd:"" group:"transfer" help:"Hold the customer and talk to a number first."`
	Swap       swapCommand       `cmd:"" group:"transfer" help:"Change between customer and target, or between two calls."`
	Conference conferenceCommand `cmd:"" group:"transfer" help:"Let agent, customer and target hear each other."`
	Complete   completeCommand   `cmd:"" group:"transfer" help:"Join customer and target, without the agent."`
	Cancel     cancelCommand     `cmd:"" group:"transfer" help:"Give up a transfer and return to the customer."`

	Bind   bindCommand   `cmd:"" group:"agent" help:"Link a CRM record to a call."`
	Status statusCommand `cmd:"" group:"agent" help:"Set an agent's status, or show it."`
}
