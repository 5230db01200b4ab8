package offer

// Limits of a peer's description; anything over them is refused before it is parsed.
const (
	MaxBody  = 16 << 10 // bytes
	MaxLines = 256
	MaxMedia = 8  // m= lines
	MaxTypes = 64 // formats on one m= line
)
