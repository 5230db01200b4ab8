package host

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cordboard/plugins/adapter"
)

// longestHandshake is the most that the first line may have, in bytes: a certificate is about 800.
const longestHandshake = 8192

// errNoHandshake is explained by how the process ended.
var errNoHandshake = errors.New("it ended, or closed stdout, before the handshake")

// noHandshake says what is wrong with the first line of a program.
func noHandshake(line, wrong string) error {
	return fmt.Errorf("its first line is not an adapter's handshake (%s): %q", wrong, shorten(line))
}

// handshake reads an adapter's stdout: the first line is checked and handed to go-plugin, what follows is
// what the program prints.
type handshake struct {
	*io.PipeReader
	w   *io.PipeWriter
	dir string

	gone    chan struct{} // closed when the process has ended
	checked chan struct{} // closed when the line is there, or never will be
	err     error         // valid then: what is wrong with it
}

func newHandshake(dir string) *handshake {
	h := &handshake{dir: dir, gone: make(chan struct{}), checked: make(chan struct{})}
	h.PipeReader, h.w = io.Pipe()
	return h
}

// read takes everything until the end of r.
func (h *handshake) read(r io.Reader, rest io.Writer) {
	b := bufio.NewReaderSize(r, longestHandshake)
	line, err := b.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		h.end(noHandshake(string(line), "too long"))
	case err != nil && len(line) == 0:
		select { // its exit code says more than a kill for closing stdout
		case <-h.gone:
		case <-time.After(drain):
		}
		h.end(errNoHandshake)
	default:
		if err := checkHandshake(strings.TrimSpace(string(line)), h.dir); err != nil {
			h.end(err)
			break
		}
		close(h.checked)
		_, _ = h.w.Write(line) // go-plugin reads on until the end
	}
	_, _ = io.Copy(rest, b)
	_ = h.w.Close()
}

// end says that there will be no handshake.
func (h *handshake) end(err error) {
	h.err = err
	close(h.checked)
	_ = h.w.Close()
}

// checkHandshake looks at CORE|APP|NETWORK|ADDRESS|PROTOCOL|CERTIFICATE.
func checkHandshake(line, dir string) error {
	f := strings.Split(line, "|")
	if len(f) < 4 || f[0] != "1" {
		return noHandshake(line, "it should be 1|1|unix|SOCKET|grpc|CERTIFICATE")
	}
	if f[1] != strconv.Itoa(adapter.ProtocolVersion) {
		if _, err := strconv.Atoi(f[1]); err != nil {
			return noHandshake(line, "the second field is no version")
		}
		return fmt.Errorf("it speaks version %s of the adapter contract, and this daemon version %d: use an adapter built for this daemon",
			f[1], adapter.ProtocolVersion)
	}
	switch {
	case f[2] != "unix" || !within(dir, f[3]):
		return noHandshake(line, "the socket is not in $PLUGIN_UNIX_SOCKET_DIR")
	case len(f) < 5 || f[4] != "grpc":
		return noHandshake(line, "the protocol is not grpc")
	case len(f) < 6 || len(f[5]) <= 50:
		return noHandshake(line, "there is no certificate")
	}
	if _, err := base64.RawStdEncoding.DecodeString(f[5]); err != nil {
		return noHandshake(line, "the certificate is not base64 without padding")
	}
	return nil
}

func within(dir, path string) bool {
	return dir != "" && filepath.IsAbs(path) && filepath.Dir(filepath.Clean(path)) == filepath.Clean(dir)
}
