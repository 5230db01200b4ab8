// Package daemon joins the rooms into one running gateway: it maps the configuration, gives each leg its dialog, its RTP
// stream and its slot on the desk's board, carries the switchboard's actions to them and their outcomes back. It decides
// nothing about a call: callcontrol does.
package daemon
