package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unit reads the unit file: section, key, values in order. A line that is none of these fails.
func unit(t *testing.T) map[string]map[string][]string {
	t.Helper()
	text, err := os.ReadFile("cordboard.service")
	if err != nil {
		t.Fatal(err)
	}
	out, section := map[string]map[string][]string{}, ""
	for i, line := range strings.Split(string(text), "\n") {
		switch key, value, ok := strings.Cut(line, "="); {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			section = line[1 : len(line)-1]
			out[section] = map[string][]string{}
		case ok && section != "":
			out[section][key] = append(out[section][key], value)
		default:
			t.Fatalf("line %d: %q", i+1, line)
		}
	}
	return out
}

// What the daemon relies on, and what must not get lost when the unit is edited.
func TestUnitSaysWhatItMust(t *testing.T) {
	u := unit(t)
	service := u["Service"]
	for key, want := range map[string]string{
		"NotifyAccess": "main", "User": "cordboard", "WatchdogSec": "30s", "KillMode": "control-group",
		"RuntimeDirectory": "cordboard", "StateDirectory": "cordboard", "Restart": "on-failure", "SuccessExitStatus": "2",
		"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "",
		"PrivateTmp": "yes", "PrivateDevices": "yes", "RestrictSUIDSGID": "yes", "UMask": "0077", "LimitNICE": "-10",
		"LoadCredential": "secret:/etc/cordboard/secrets", "LimitNOFILE": "65536",
	} {
		if got := service[key]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got := service["Type"]; !slices.Equal(got, []string{"notify", "notify-reload"}) {
		t.Errorf("type %q", got)
	}
	if f := service["RestrictAddressFamilies"]; len(f) != 1 || !strings.Contains(f[0], "AF_INET AF_INET6 AF_UNIX") {
		t.Errorf("address families %q", f)
	}
	if got := u["Install"]["WantedBy"]; len(got) != 1 || got[0] != "multi-user.target" {
		t.Errorf("wanted by %q", got)
	}
	text, err := os.ReadFile("cordboard.service")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n#LoadCredential=") {
		t.Error("no example of a credential")
	}
	if f := service["SystemCallFilter"]; len(f) == 0 || f[0] != "@system-service" {
		t.Errorf("system calls %q", f)
	}
	users, err := os.ReadFile("cordboard.sysusers")
	if err != nil || !strings.Contains(string(users), "\nu "+service["User"][0]+" ") {
		t.Errorf("the unit's user is not in cordboard.sysusers: %v", err)
	}
}

// folders reads the tmpfiles: path, then mode, user and group.
func folders(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("cordboard.tmpfiles")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 6 && f[0] == "d" {
			out[f[1]] = strings.Join(f[2:5], " ")
		} else if !strings.HasPrefix(line, "#") {
			t.Errorf("line %q", line)
		}
	}
	return out
}

// The folders that the package makes are those of the unit, with the same modes.
func TestFoldersAreTheUnits(t *testing.T) {
	service, have := unit(t)["Service"], folders(t)
	for _, d := range []struct{ path, key string }{{"/run/", "Runtime"}, {"/var/lib/", "State"}} {
		want := service[d.key+"DirectoryMode"][0] + " cordboard cordboard"
		if path := d.path + service[d.key+"Directory"][0]; have[path] != want {
			t.Errorf("%s is %q, the unit wants %q", path, have[path], want)
		}
	}
	for _, path := range []string{"/etc/cordboard", "/etc/cordboard/agents", "/etc/cordboard/secrets"} {
		if have[path] != "0750 root cordboard" { // read, never written
			t.Errorf("%s is %q", path, have[path])
		}
	}
	if _, path, _ := strings.Cut(service["LoadCredential"][0], ":"); have[path] == "" {
		t.Errorf("credentials come from %s, which nobody makes", path)
	}
}

// analyze runs systemd-analyze on a copy of the unit whose binary exists. Without it, nil: the tests above have read the file.
func analyze(t *testing.T, edit func(string) string, args ...string) ([]byte, string, error) {
	t.Helper()
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("INTEROP") == "required" {
			t.Fatal("systemd-analyze is not installed (package systemd)")
		}
		t.Skip("systemd-analyze is not installed")
	}
	text, err := os.ReadFile("cordboard.service")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cordboard.service")
	if err := os.WriteFile(path, []byte(edit(strings.ReplaceAll(string(text), "/usr/local/bin/cordboard", self))), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, append(args, path)...).CombinedOutput()
	return out, path, err
}

// systemd's own opinion, where it is installed.
func TestUnitVerifies(t *testing.T) {
	out, path, err := analyze(t, func(unit string) string {
		return strings.ReplaceAll(unit, "\n#LoadCredential=", "\nLoadCredential=")
	}, "verify", "--man=no")
	// systemd before 253: what the unit says about it is so.
	out = regexp.MustCompile(`(?m)^.*: Failed to parse service type, ignoring: notify-reload\n`).ReplaceAll(out, nil)
	if err != nil || strings.Contains(string(out), path) || strings.Contains(string(out), "nknown") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// mostExposed is the exposure that the unit may have, ten times what systemd-analyze tells.
const mostExposed = "15"

func TestUnitIsHardened(t *testing.T) {
	same := func(unit string) string { return unit }
	if out, _, err := analyze(t, same, "security", "--offline=true", "--no-pager", "--threshold="+mostExposed); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	weaker := func(unit string) string { return strings.Replace(unit, "\nPrivateMounts=yes", "", 1) }
	if out, _, err := analyze(t, weaker, "security", "--offline=true", "--no-pager", "--threshold="+mostExposed); err == nil {
		t.Errorf("a weaker unit is no worse:\n%s", out)
	}
}
