package journal

import "context"

// Check sees whether the server at cfg.URL can keep a journal, and makes nothing there. Its error says what
// to do. A journal in a folder or in memory is not looked at.
func Check(ctx context.Context, cfg Config) error {
	if cfg.URL == "" || cfg.Memory {
		return nil
	}
	cfg.Dir = ""
	b, err := openBackend(ctx, cfg.withDefaults())
	if err == nil {
		b.close()
	}
	return err
}
