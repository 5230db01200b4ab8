package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"cordboard/plugins/adapter"
	adapterv1 "cordboard/plugins/adapter/v1"
)

// inherited are the variables of the daemon that adapters get too.
var inherited = []string{"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "CREDENTIALS_DIRECTORY", "SSL_CERT_FILE", "SSL_CERT_DIR"}

func environment(own map[string]string) []string {
	var env []string
	for _, name := range inherited {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	names := make([]string, 0, len(own))
	for name := range own {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		env = append(env, name+"="+own[name])
	}
	return env
}

// launch implements launcher with a real process.
func (h *Host) launch(ctx context.Context) (instance, error) {
	path, err := exec.LookPath(h.cfg.Command[0])
	if err != nil {
		return nil, fmt.Errorf("it cannot be started: %w", err)
	}
	p := &plug{log: h.log}
	l := newLines(h.log, &h.dropped)
	stopKiller := func() bool { return true }
	p.config = &plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion: adapter.ProtocolVersion, MagicCookieKey: adapter.CookieKey, MagicCookieValue: adapter.CookieValue,
		},
		Plugins: plugin.PluginSet{adapter.PluginName: dispenser{}},
		RunnerFunc: func(_ hclog.Logger, spec *exec.Cmd, dir string) (runner.Runner, error) {
			cmd := exec.Command(path, h.cfg.Command[1:]...)
			cmd.Dir, cmd.Env = h.cfg.Dir, append(environment(h.cfg.Env), spec.Env...)
			p.process = newProcess(cmd, l, dir)
			stopKiller = context.AfterFunc(ctx, p.process.kill)
			return p.process, nil
		},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true, SkipHostEnv: true,
		StartTimeout: h.cfg.StartTimeout, Logger: newBridge(h.log), SyncStdout: l.stdout, SyncStderr: l.stdout,
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: h.cfg.RuntimeDir},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(mostAnswer)), grpc.WithChainStreamInterceptor(fewBrokerMessages),
		},
	}
	p.client = plugin.NewClient(p.config)
	err = p.connect()
	stopKiller()
	if err == nil {
		return p, nil
	}
	if p.process == nil {
		return nil, fmt.Errorf("it cannot be started: %w", err)
	}
	p.kill()
	p.close(ctx)
	return nil, p.explain(ctx, err)
}

// connect takes the handshake and opens the connection.
func (p *plug) connect() error {
	if _, err := p.client.Start(); err != nil {
		return err
	}
	protocol, err := p.client.Client()
	p.process.release()
	if err != nil {
		return fmt.Errorf("connect to it: %w", err)
	}
	raw, err := protocol.Dispense(adapter.PluginName)
	if err != nil {
		return err
	}
	p.dispensed = raw.(dispensed) // of dispenser, below
	return nil
}

// explain makes a failed start one that an operator can act on. The process has ended.
func (p *plug) explain(ctx context.Context, err error) error {
	checked, wrong := false, error(nil)
	select {
	case <-p.process.handshake.checked:
		checked, wrong = true, p.process.handshake.err
	default:
	}
	switch {
	case wrong != nil && !errors.Is(wrong, errNoHandshake):
		return wrong
	case ctx.Err() != nil && (wrong != nil || !checked):
		return errors.New("no handshake in time")
	case wrong != nil:
		end, _ := p.process.end()
		return fmt.Errorf("before the handshake %w", end)
	case ctx.Err() != nil:
		return errors.New("it cannot be connected to in time")
	}
	return err
}

// dispenser is the adapter as go-plugin's client knows it.
type dispenser struct{ plugin.NetRPCUnsupportedPlugin }

// dispensed is what is needed of go-plugin's connection.
type dispensed struct {
	adapter adapterv1.AdapterClient
	broker  *plugin.GRPCBroker
}

// GRPCServer implements plugin.GRPCPlugin; the adapter has its own.
func (dispenser) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("host: the daemon is no adapter")
}

// GRPCClient implements plugin.GRPCPlugin.
func (dispenser) GRPCClient(_ context.Context, b *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return dispensed{adapterv1.NewAdapterClient(conn), b}, nil
}
