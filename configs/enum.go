package configs

import "reflect"

// Backend is how media packets are moved.
type Backend string

// Learn says whose media source may be learnt.
type Learn string

// LogLevel is the least important level that is written.
type LogLevel string

// LogFormat is the form of log lines.
type LogFormat string

// Transfer is how a transfer ends at a trunk.
type Transfer string

// Hold is whether the peer is told of a hold.
type Hold string

// Codec is an audio codec's RTP name.
type Codec string

// Digest is a digest algorithm by its name on the wire.
type Digest string

// DTMF is how digits are sent.
type DTMF string

// Identity is the header that carries identities to a peer.
type Identity string

// CallWaiting is what a second call meets.
type CallWaiting string

// DeviceKind is what an agent's device is.
type DeviceKind string

// Connect is when a device is called.
type Connect string

// ConsultReturn is who retrieves the customer after a failed consultation.
type ConsultReturn string

// RingNoAnswerPolicy is what follows an unanswered offer.
type RingNoAnswerPolicy string

// AdapterKind is where an adapter's program comes from.
type AdapterKind string

// Region is a country with its own call progress tones.
type Region string

// The values of each enumeration, as they are written in a file.
const (
	BackendPortable Backend = "portable"

	LearnNone   Learn = "none"
	LearnPhones Learn = "phones"
	LearnAll    Learn = "all"

	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"

	FormatText LogFormat = "text"
	FormatJSON LogFormat = "json"

	TransferBridge Transfer = "bridge"
	TransferRefer  Transfer = "refer"

	HoldLocal  Hold = "local"
	HoldSignal Hold = "signal"

	CodecPCMA Codec = "PCMA"
	CodecPCMU Codec = "PCMU"

	DigestMD5    Digest = "MD5"
	DigestSHA256 Digest = "SHA-256"

	DTMFRFC4733 DTMF = "rfc4733"
	DTMFInfo    DTMF = "info"
	DTMFAuto    DTMF = "auto"

	IdentityPAI  Identity = "pai"
	IdentityRPID Identity = "rpid"
	IdentityNone Identity = "none"

	CallWaitingBusy CallWaiting = "busy"
	CallWaitingWait CallWaiting = "wait"

	DevicePhone DeviceKind = "phone"

	ConnectOnDemand   Connect = "on_demand"
	ConnectPersistent Connect = "persistent"

	ConsultReturnAuto   ConsultReturn = "auto"
	ConsultReturnManual ConsultReturn = "manual"

	RingNoAnswerReject   RingNoAnswerPolicy = "reject"
	RingNoAnswerNotReady RingNoAnswerPolicy = "not_ready"

	AdapterContacts AdapterKind = "contacts"
	AdapterWebhook  AdapterKind = "webhook"
	AdapterCommand  AdapterKind = "command"

	RegionITU Region = "itu" // ITU-T E.180; the others are countries
)

// enums lists what may be written for each enumeration, in the order it is told.
var enums = map[reflect.Type][]string{
	reflect.TypeFor[Backend]():            {"portable"},
	reflect.TypeFor[Learn]():              {"none", "phones", "all"},
	reflect.TypeFor[LogLevel]():           {"debug", "info", "warn", "error"},
	reflect.TypeFor[LogFormat]():          {"text", "json"},
	reflect.TypeFor[Transfer]():           {"bridge", "refer"},
	reflect.TypeFor[Hold]():               {"local", "signal"},
	reflect.TypeFor[Codec]():              {"PCMA", "PCMU"},
	reflect.TypeFor[Digest]():             {"MD5", "SHA-256"},
	reflect.TypeFor[DTMF]():               {"rfc4733", "info", "auto"},
	reflect.TypeFor[Identity]():           {"pai", "rpid", "none"},
	reflect.TypeFor[CallWaiting]():        {"busy", "wait"},
	reflect.TypeFor[DeviceKind]():         {"phone"},
	reflect.TypeFor[Connect]():            {"on_demand", "persistent"},
	reflect.TypeFor[ConsultReturn]():      {"auto", "manual"},
	reflect.TypeFor[RingNoAnswerPolicy](): {"reject", "not_ready"},
	reflect.TypeFor[AdapterKind]():        {"contacts", "webhook", "command"},
	reflect.TypeFor[Region]():             {"itu", "au", "cz", "de", "es", "fr", "it", "pl", "ua", "uk", "us"},
}
