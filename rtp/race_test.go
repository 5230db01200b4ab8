//go:build race

package rtp

// poolSlack is what the race detector adds: under it sync.Pool, which x/net uses, forgets at random.
const poolSlack = 3
