package control

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	controlv1 "cordboard/plugins/control/v1"
)

// Directory implements controlv1.ControlServer.
func (s *Service) Directory(ctx context.Context, _ *controlv1.DirectoryRequest) (*controlv1.DirectoryReply, error) {
	if s.sources.Directory == nil {
		return nil, status.Error(codes.Unimplemented, "there is no directory here")
	}
	d, err := s.sources.Directory(ctx)
	if err != nil {
		return nil, encodeError(err)
	}
	return encodeDirectory(d), nil
}

// Status implements controlv1.ControlServer.
func (s *Service) Status(ctx context.Context, _ *controlv1.StatusRequest) (*controlv1.StatusReply, error) {
	if s.sources.Status == nil {
		return nil, status.Error(codes.Unimplemented, "the daemon tells no status here")
	}
	st, err := s.sources.Status(ctx)
	if err != nil {
		return nil, encodeError(err)
	}
	return encodeStatus(st), nil
}

// Reload implements controlv1.ControlServer.
func (s *Service) Reload(ctx context.Context, req *controlv1.ReloadRequest) (*controlv1.ReloadReply, error) {
	if s.sources.Reload == nil {
		return nil, status.Error(codes.Unimplemented, "the configuration is not reloaded from here")
	}
	r, err := s.sources.Reload(ctx, req.GetDryRun())
	if err != nil {
		return nil, encodeError(err)
	}
	return encodeReload(r), nil
}

// Acknowledge implements controlv1.ControlServer.
func (s *Service) Acknowledge(ctx context.Context, req *controlv1.AcknowledgeRequest) (*controlv1.AcknowledgeReply, error) {
	if s.ack == nil {
		return nil, status.Error(codes.PermissionDenied, "only an adapter has events to acknowledge")
	}
	if err := s.ack(ctx, decodeCursor(req.GetCursor())); err != nil {
		return nil, encodeError(err)
	}
	return &controlv1.AcknowledgeReply{}, nil
}
