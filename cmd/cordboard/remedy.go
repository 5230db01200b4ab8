package main

import (
	"errors"
	"io/fs"
	"net"
	"syscall"

	"cordboard/cmd/cordboard/internal/demo"
	"cordboard/plugins/control"
)

// places say where each command is told which ports and which files it uses.
var places = map[string]struct{ ports, files string }{
	"serve": {"sip.listen or metrics.listen in the configuration", "control.socket, state_dir or the file's key in the configuration"},
	"sim":   {"--listen", "--speech"},
	"demo":  {"nothing: run it again", "--out"},
}

// remedy says what to do about an error that is no refusal: what the system would not give, else where to find more.
func remedy(verb string, err error) string {
	place, known := places[verb]
	if !known {
		place.ports, place.files = "the address", "the path"
	}
	var network *net.OpError
	var taken *control.SocketInUseError
	atPort := errors.As(err, &network) && network.Net != "unix"
	switch {
	case errors.Is(err, demo.ErrNotOK):
		return "report.json in the folder of --out says for each step what was expected and what was heard"
	case errors.Is(err, demo.ErrTooSlow):
		return "stop what else keeps its processors busy (top), then run it again; report.json in the folder of --out has the steps so far"
	case errors.As(err, &taken):
		return "stop that daemon first, or give this one another control.socket"
	case errors.Is(err, syscall.EADDRINUSE):
		return "another program has the port (ss -lunpt tells which), perhaps a daemon that runs already: stop it, or change " + place.ports
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "the address is not on this host (ip addr lists those that are): change " + place.ports
	case atPort && errors.Is(err, fs.ErrPermission):
		return "a port below 1024 needs CAP_NET_BIND_SERVICE (AmbientCapabilities in the unit): give it, or change " + place.ports
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "let this user read and write there (ls -ld shows who may), or change " + place.files
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, fs.ErrExist):
		return "is the path right? make the folder (mkdir -p), or change " + place.files
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk is full (df -h): make room, or change " + place.files
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "too many files are open: raise LimitNOFILE in the unit (ulimit -n), `cordboard doctor FILE` says to what"
	}
	switch verb {
	case "serve":
		return "`cordboard doctor FILE` tries what the configuration needs, and says what to change"
	case "demo":
		return "the daemon's log in the folder of --out tells what it did"
	}
	return "the daemon's log tells more (journalctl -u cordboard)"
}
