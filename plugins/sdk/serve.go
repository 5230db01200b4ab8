package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"cordboard/plugins/adapter"
	adapterv1 "cordboard/plugins/adapter/v1"
)

// Serve runs an adapter until the daemon that started the process lets it end. A process that was started
// by anything else says so and exits with 1. Serve makes the logger that goes to the daemon the default
// one of log/slog and log; what the program prints to stdout and stderr is logged by the daemon too, as
// plain lines.
func Serve(a Adapter) {
	if os.Getenv(adapter.CookieKey) != adapter.CookieValue {
		fmt.Fprintf(os.Stderr, "This is the Cordboard adapter %q. It is started by the daemon: name it under adapters: in the daemon's configuration.\n", a.Info().Name)
		os.Exit(1)
	}
	level := &slog.LevelVar{}
	log := newLog(os.Stderr, level) // before go-plugin puts a pipe in its place
	slog.SetDefault(log)
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion: adapter.ProtocolVersion, MagicCookieKey: adapter.CookieKey, MagicCookieValue: adapter.CookieValue,
		},
		Plugins:    plugin.PluginSet{adapter.PluginName: &served{server: newServer(a, log, level)}},
		GRPCServer: plugin.DefaultGRPCServer,
		Logger:     hclog.New(&hclog.LoggerOptions{Name: "go-plugin", Level: hclog.Warn, Output: os.Stderr, JSONFormat: true}),
	})
}

// served is the adapter as go-plugin serves it.
type served struct {
	plugin.NetRPCUnsupportedPlugin
	server *server
}

// GRPCServer implements plugin.GRPCPlugin.
func (s *served) GRPCServer(broker *plugin.GRPCBroker, g *grpc.Server) error {
	s.server.dial = broker.Dial
	adapterv1.RegisterAdapterServer(g, s.server)
	return nil
}

// GRPCClient implements plugin.GRPCPlugin; the daemon has its own.
func (s *served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("sdk: an adapter is no client of adapters")
}
