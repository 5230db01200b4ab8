package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
)

// maxSecretBytes bounds a secret's file.
const maxSecretBytes = 4096

// secretForms is what may be written for a secret.
const secretForms = "{file: PATH}, {env: NAME} or {credential: NAME}"

var (
	envName        = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	credentialName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]*$`)
)

// secret decodes {file|env|credential: …} and reads what it names. Whatever else
// is written in its place may be a password: it is never told again.
func (d *decoder) secret(n *node, v reflect.Value, k key, path string) {
	fix := fmt.Sprintf("put the password alone into a file that only the daemon may read (chmod 600) and write %s: {file: PATH}; or write %s", k.name, secretForms)
	switch {
	case n.kind == kindNull:
		d.rep.add(n.mark, path, "there is no value", fix)
		return
	case n.kind != kindMap:
		n.mark.src.hide(n)
		d.rep.add(n.mark, path, "a password must not stand in the configuration: this file is copied, shown and kept in version control", fix)
		return
	}
	for _, f := range n.fields {
		if f.key == "file" || f.key == "env" || f.key == "credential" {
			continue
		}
		n.mark.src.hide(n)
		d.rep.add(n.mark, path, "a password is named by one key: file, env or credential", "write "+k.name+": "+secretForms)
		return
	}
	if len(n.fields) != 1 {
		d.rep.add(n.mark, path, fmt.Sprintf("a password is named by exactly one key, and here are %d", len(n.fields)), "keep one of "+secretForms)
		return
	}
	f := n.fields[0]
	at := joinPath(path, f.key)
	d.marks[at] = f.value.mark
	if f.value.kind != kindString && f.value.kind != kindInt || f.value.text == "" {
		d.rep.add(f.value.mark, path, "there is no name", "write "+k.name+": "+secretForms)
		return
	}
	secret, err := readSecret(f.key, f.value)
	if err != nil {
		d.rep.add(f.value.mark, path, err.message, err.fix)
		return
	}
	v.Set(reflect.ValueOf(secret))
}

// advice is a problem and what to do about it.
type advice struct{ message, fix string }

func readSecret(from string, n *node) (Secret, *advice) {
	switch name := n.text; from {
	case "env":
		return secretFromEnv(name)
	case "credential":
		return secretFromCredential(name)
	default:
		if !filepath.IsAbs(name) {
			name = filepath.Join(n.mark.src.dir, name)
		}
		return secretFromFile("file "+n.text, name, true)
	}
}

func secretFromEnv(name string) (Secret, *advice) {
	if !envName.MatchString(name) {
		return Secret{}, &advice{"this is not a name of an environment variable", "write letters, digits and _ only, as {env: LINE_PASSWORD}"}
	}
	text, ok := os.LookupEnv(name)
	if !ok {
		return Secret{}, &advice{fmt.Sprintf("environment variable %s is not set", name),
			fmt.Sprintf("set %s for the daemon (systemd: EnvironmentFile=), or write {file: PATH}", name)}
	}
	return checkSecret("env "+name, text)
}

func secretFromCredential(name string) (Secret, *advice) {
	if !credentialName.MatchString(name) {
		return Secret{}, &advice{"this is not a name of a credential", "write letters, digits, dot, dash and _ only, as {credential: line-1001}"}
	}
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return Secret{}, &advice{fmt.Sprintf("credential %s cannot be read: CREDENTIALS_DIRECTORY is not set", name),
			fmt.Sprintf("add LoadCredential=%s:/PATH to the unit and start the daemon by systemd, or write {file: PATH}", name)}
	}
	return secretFromFile("credential "+name, filepath.Join(dir, name), false)
}

// secretFromFile reads a one-line file. A file others can read is refused, except
// in systemd's own folder, which guards itself.
func secretFromFile(source, path string, guarded bool) (Secret, *advice) {
	info, err := os.Stat(path)
	if err != nil {
		return Secret{}, &advice{fmt.Sprintf("%s cannot be read: %s", printable(source), reason(err)),
			fmt.Sprintf("put the password alone into %s and run chmod 600 on it", printable(path))}
	}
	if !info.Mode().IsRegular() {
		return Secret{}, &advice{printable(source) + " is not a plain file", "name a file that holds the password alone"}
	}
	if perm := info.Mode().Perm(); guarded && perm&0o077 != 0 {
		return Secret{}, &advice{fmt.Sprintf("%s can be read by others than its owner (mode %04o)", printable(source), perm),
			"run chmod 600 " + printable(path)}
	}
	if info.Size() > maxSecretBytes {
		return Secret{}, &advice{fmt.Sprintf("%s is larger than %d bytes", printable(source), maxSecretBytes), "keep the password alone in it, in one line"}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Secret{}, &advice{fmt.Sprintf("%s cannot be read: %s", printable(source), reason(err)),
			fmt.Sprintf("let the daemon's user own %s", printable(path))}
	}
	return checkSecret(source, strings.TrimRight(string(text), "\r\n"))
}

func checkSecret(source, text string) (Secret, *advice) {
	switch {
	case text == "":
		return Secret{}, &advice{printable(source) + " is empty", "put the password alone into it"}
	case len(text) > maxSecretBytes || strings.IndexFunc(text, isControl) >= 0:
		return Secret{}, &advice{printable(source) + " holds more than one line, or control characters", "keep the password alone in it, in one line"}
	}
	return NewSecret(source, text), nil
}

// reason is an error of the file system without the path, which is told already.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}
