package daemon

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// bindingRow is where a phone is registered, so that it can be called after a restart before it registers again.
type bindingRow struct {
	Secret   string          `json:"secret"` // digest of the password with which it registered: another one ends it with the restart
	Contacts json.RawMessage `json:"contacts"`
}

// phoneSecret is the digest of a phone's password in force; empty when it has none.
func (d *Daemon) phoneSecret(phone string) string {
	p := d.now()
	set := p.wants[p.phones[phone]]
	if set == nil || set.config.Device.Password.IsZero() {
		return ""
	}
	h := hmac.New(sha256.New, d.key)
	h.Write([]byte("phone\n" + phone + "\n" + set.config.Device.Password.Reveal()))
	return base64.RawStdEncoding.EncodeToString(h.Sum(nil))
}

// keepBinding notes where a phone is; nil: nowhere.
func (d *Daemon) keepBinding(phone string, contacts json.RawMessage) {
	secret := d.phoneSecret(phone)
	if contacts == nil || secret == "" {
		d.bindings.Delete(phone)
		return
	}
	d.bindings.Put(phone, bindingRow{Secret: secret, Contacts: contacts})
}

// restoreBindings gives the phones what the last run knew.
func (d *Daemon) restoreBindings() {
	phones := 0
	for phone, row := range d.bindings.All() {
		n := 0
		if secret := d.phoneSecret(phone); secret != "" && hmac.Equal([]byte(secret), []byte(row.Secret)) {
			var err error
			if n, err = d.stack.RestorePhone(phone, row.Contacts); err != nil {
				d.log.Warn("contacts of a phone cannot be read", "err", err)
			}
		}
		if n == 0 {
			d.bindings.Delete(phone)
			continue
		}
		phones++
	}
	if phones > 0 {
		d.log.Info("phones are where they registered before", "phones", phones)
	}
}
