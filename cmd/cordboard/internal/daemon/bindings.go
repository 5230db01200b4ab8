package daemon

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"

	"cordboard/cmd/cordboard/internal/mapping"
	"cordboard/journal"
)

// bindings keeps where phones are registered, so that they can be called after a restart before they register again.
type bindings struct {
	table  *journal.Table[bindingRow]
	secret map[string]string // of each phone that is configured, by its user
}

// bindingRow is where a phone is.
type bindingRow struct {
	Secret   string          `json:"secret"` // digest of the password with which it registered: another one ends it with the restart
	Contacts json.RawMessage `json:"contacts"`
}

func (d *Daemon) openBindings(ctx context.Context) (*bindings, error) {
	key, err := contactKey(d.cfg)
	if err != nil {
		return nil, err
	}
	b := &bindings{secret: map[string]string{}}
	for i := range d.cfg.Agents {
		a := &d.cfg.Agents[i]
		if a.Device.Password.IsZero() {
			continue
		}
		h := hmac.New(sha256.New, key)
		h.Write([]byte("phone\n" + mapping.PhoneUser(*a) + "\n" + a.Device.Password.Reveal()))
		b.secret[mapping.PhoneUser(*a)] = base64.RawStdEncoding.EncodeToString(h.Sum(nil))
	}
	b.table, err = journal.OpenTable[bindingRow](ctx, d.store, "phones", 0)
	return b, err
}

// keep notes where a phone is; nil: nowhere.
func (b *bindings) keep(phone string, contacts json.RawMessage) {
	secret, ok := b.secret[phone]
	if contacts == nil || !ok {
		b.table.Delete(phone)
		return
	}
	b.table.Put(phone, bindingRow{Secret: secret, Contacts: contacts})
}

// restoreBindings gives the phones what the last run knew.
func (d *Daemon) restoreBindings() {
	phones := 0
	for phone, row := range d.bindings.table.All() {
		n := 0
		if secret := d.bindings.secret[phone]; secret != "" && hmac.Equal([]byte(secret), []byte(row.Secret)) {
			var err error
			if n, err = d.stack.RestorePhone(phone, row.Contacts); err != nil {
				d.log.Warn("contacts of a phone cannot be read", "err", err)
			}
		}
		if n == 0 {
			d.bindings.table.Delete(phone)
			continue
		}
		phones++
	}
	if phones > 0 {
		d.log.Info("phones are where they registered before", "phones", phones)
	}
}
