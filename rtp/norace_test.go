//go:build !race

package rtp

const poolSlack = 0
