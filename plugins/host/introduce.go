package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"cordboard/journal"
	"cordboard/plugins/adapter"
	adapterv1 "cordboard/plugins/adapter/v1"
	"cordboard/plugins/control"
	controlv1 "cordboard/plugins/control/v1"
)

// longestSchema is the most that an adapter's schema may have, in bytes.
const longestSchema = 256 << 10

// introduce makes a process an adapter: who it is, what it works with, whether it is well.
func (h *Host) introduce(ctx context.Context, in instance) (adapter.Info, adapter.Health, error) {
	said, err := in.rpc().Info(ctx, &adapterv1.InfoRequest{})
	if err != nil {
		return adapter.Info{}, adapter.Health{}, fmt.Errorf("it does not say what it is: %w", plainError(err))
	}
	info := adapter.DecodeInfo(said)
	if info.Name == "" {
		return info, adapter.Health{}, errors.New("it does not say what it is: Info has no name")
	}
	if err := checkConfig(info.Schema, h.cfg.Config); err != nil {
		return info, adapter.Health{}, err
	}
	if err := h.configure(ctx, in); err != nil {
		return info, adapter.Health{}, err
	}
	health, err := in.rpc().Health(ctx, &adapterv1.HealthRequest{})
	if err != nil {
		return info, adapter.Health{}, fmt.Errorf("it does not say how it is: %w", plainError(err))
	}
	return info, adapter.DecodeHealth(health), nil
}

// configure gives the adapter its configuration, its cursor and call control.
func (h *Host) configure(ctx context.Context, in instance) error {
	at, known, err := h.deps.Cursors.Cursor(ctx, h.cfg.Name)
	if err != nil {
		return fmt.Errorf("how far it was cannot be read: %w", err)
	}
	request := &adapterv1.ConfigureRequest{
		Name: h.cfg.Name, Config: h.cfg.Config, DaemonVersion: h.cfg.Version, LogLevel: strings.ToLower(h.cfg.LogLevel.String()),
		Begin: wireCursor(h.track.start(at, known)),
	}
	if known {
		request.Acknowledged = wireCursor(at)
	}
	request.Control, err = in.offer(control.NewService(newTracked(h.deps.Control, &h.track), h.log,
		control.WithSources(h.deps.Sources), control.ForAdapter(h.cfg.Name, h.acknowledge)))
	if err != nil {
		return fmt.Errorf("offer it call control: %w", err)
	}
	if _, err := in.rpc().Configure(ctx, request); err != nil {
		return fmt.Errorf("it refuses its configuration: %w", plainError(err))
	}
	return nil
}

func wireCursor(c journal.Cursor) *controlv1.Cursor {
	return &controlv1.Cursor{Epoch: c.Epoch, Seq: c.Seq}
}

func stopRequest(grace time.Duration) *adapterv1.StopRequest {
	return &adapterv1.StopRequest{Grace: durationpb.New(grace)}
}

// checkConfig holds a configuration against the adapter's schema, where it has one.
func checkConfig(schema []byte, config json.RawMessage) (err error) {
	if len(schema) == 0 {
		return nil
	}
	if len(schema) > longestSchema {
		return errors.New("the schema of its configuration is larger than 256 KiB")
	}
	defer func() { // the schema comes from another process
		if p := recover(); p != nil {
			err = fmt.Errorf("the schema of its configuration cannot be used: %v", p)
		}
	}()
	var s jsonschema.Schema
	if err := json.Unmarshal(schema, &s); err != nil {
		return fmt.Errorf("the schema of its configuration is no JSON schema: %w", err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		return fmt.Errorf("the schema of its configuration cannot be used: %w", err)
	}
	var value any
	if err := json.Unmarshal(config, &value); err != nil {
		return fmt.Errorf("its config is not JSON: %w", err)
	}
	if err := resolved.Validate(value); err != nil {
		return fmt.Errorf("its config does not fit: %s", shorten(plainSchema(err.Error())))
	}
	return nil
}

// plainSchema names the key and the rule that it breaks. The value stays out: it may be a password.
func plainSchema(message string) string {
	at := ""
	for strings.HasPrefix(message, "validating ") {
		at, message, _ = strings.Cut(strings.TrimPrefix(message, "validating "), ": ")
	}
	rule, _, _ := strings.Cut(message, ": ")
	switch has := strings.LastIndex(message, " has type "); {
	case rule == "required", strings.HasPrefix(rule, "unexpected additional properties"):
		rule = message
	case rule == "type" && has >= 0:
		rule = message[has+1:]
	}
	return at + ": " + rule
}

// errNoAnswer is a deadline that ran out, here or at the adapter, which knows it too.
var errNoAnswer = errors.New("no answer in time")

// plainError takes gRPC's words from around the adapter's.
func plainError(err error) error {
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	switch message := shorten(st.Message()); st.Code() {
	case codes.DeadlineExceeded:
		return errNoAnswer
	case codes.Unimplemented:
		return errors.New("it does not know the request: " + message)
	case codes.Unavailable:
		return errors.New("its connection is broken: " + message)
	default:
		return errors.New(message)
	}
}
