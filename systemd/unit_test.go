package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
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
		"Type": "notify", "NotifyAccess": "main", "User": "cordboard", "WatchdogSec": "30s", "KillMode": "control-group",
		"RuntimeDirectory": "cordboard", "StateDirectory": "cordboard", "Restart": "on-failure", "SuccessExitStatus": "2",
		"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "",
		"PrivateTmp": "yes", "PrivateDevices": "yes", "RestrictSUIDSGID": "yes", "SystemCallFilter": "@system-service",
	} {
		if got := service[key]; len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
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
	users, err := os.ReadFile("cordboard.sysusers")
	if err != nil || !strings.Contains(string(users), "\nu "+service["User"][0]+" ") {
		t.Errorf("the unit's user is not in cordboard.sysusers: %v", err)
	}
}

// systemd's own opinion, where it is installed. The binary need not be.
func TestUnitVerifies(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed; TestUnitSaysWhatItMust has read the file")
		return
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
	uncommented := strings.ReplaceAll(string(text), "\n#LoadCredential=", "\nLoadCredential=")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(uncommented, "/usr/local/bin/cordboard", self)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput()
	if err != nil || strings.Contains(string(out), path) || strings.Contains(string(out), "nknown") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
