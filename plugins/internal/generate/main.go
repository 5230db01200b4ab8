// Command generate runs protoc on one contract with the plugins pinned in go.mod:
//
//	generate FILE.proto [FOLDER …]
//
// The folders hold contracts that the file imports. The well-known types are handed over as
// descriptors, so that no protoc include folder is needed.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func main() {
	if err := generate(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate(words []string) error {
	if len(words) == 0 {
		return errors.New("name a .proto file")
	}
	dir, err := os.MkdirTemp("", "protoc")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	known := filepath.Join(dir, "known.pb")
	if err := writeKnown(known); err != nil {
		return err
	}
	args := []string{"--proto_path=.", "--descriptor_set_in=" + known}
	for _, folder := range words[1:] {
		args = append(args, "--proto_path="+folder)
	}
	for plugin, path := range map[string]string{
		"go":      "google.golang.org/protobuf/cmd/protoc-gen-go",
		"go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
	} {
		bin := filepath.Join(dir, "protoc-gen-"+plugin)
		if err := run("go", "build", "-o", bin, path); err != nil {
			return err
		}
		args = append(args, "--plugin=protoc-gen-"+plugin+"="+bin, "--"+plugin+"_out=.", "--"+plugin+"_opt=paths=source_relative")
	}
	return run("protoc", append(args, words[0])...)
}

func writeKnown(path string) error {
	set := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		protodesc.ToFileDescriptorProto(durationpb.File_google_protobuf_duration_proto),
		protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto),
	}}
	raw, err := proto.Marshal(set)
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}

func run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
