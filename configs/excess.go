package configs

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

type excess struct {
	mark         mark
	message, fix string
}

// tooMuch refuses text that could make parsing slow or deep.
func tooMuch(src *source, text []byte) (excess, bool) {
	if len(text) > maxFileBytes {
		return excess{src.mark(1, 1), fmt.Sprintf("the file is larger than %d MiB", maxFileBytes>>20), "split the agents over several files and name them in include"}, false
	}
	if !utf8.Valid(text) {
		line := 1
		for i, l := range src.lines {
			if !utf8.ValidString(l) {
				line = i + 1
				break
			}
		}
		return excess{src.mark(line, 1), "the line is not UTF-8 text", "save the file in UTF-8"}, false
	}
	depth := 0
	block := blockCounter{}
	for i, line := range src.lines {
		if block.next(line) > maxBlockKeys {
			return excess{src.mark(i+1, 1), fmt.Sprintf("one block has more than %d lines", maxBlockKeys), "split it over several blocks or files"}, false
		}
		if len(line) > maxLineBytes {
			return excess{src.mark(i+1, 1), fmt.Sprintf("the line is longer than %d bytes", maxLineBytes), "break it into several lines"}, false
		}
		if n := strings.IndexFunc(line, isControl); n >= 0 {
			col := utf8.RuneCountInString(line[:n]) + 1
			return excess{src.mark(i+1, col), "there is a control character", "remove it; a tab must be written as spaces"}, false
		}
		for j := range len(line) {
			switch line[j] {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			}
			if depth > maxFlowDepth {
				return excess{src.mark(i+1, 1), fmt.Sprintf("more than %d brackets are open", maxFlowDepth), "close the brackets, or write the block over several lines"}, false
			}
		}
	}
	return excess{}, true
}

func isControl(r rune) bool {
	return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff
}

// blockCounter counts the lines of each block by their indentation. The parser
// (goccy/go-yaml 1.19.2, 2026-11) takes a time that grows with the square of the
// keys in one block.
type blockCounter struct{ indent, lines []int }

// next counts a line and returns how many its block has.
func (c *blockCounter) next(line string) int {
	text := strings.TrimLeft(line, " ")
	if text == "" || text[0] == '#' {
		return 0
	}
	in := len(line) - len(text)
	for len(c.indent) > 0 && c.indent[len(c.indent)-1] > in {
		c.indent, c.lines = c.indent[:len(c.indent)-1], c.lines[:len(c.lines)-1]
	}
	if len(c.indent) == 0 || c.indent[len(c.indent)-1] < in {
		c.indent, c.lines = append(c.indent, in), append(c.lines, 0)
	}
	last := len(c.lines) - 1
	if strings.HasPrefix(text, "-") {
		c.lines[last] = 0 // an item of a list begins: lists may be long
		return 0
	}
	c.lines[last]++
	return c.lines[last]
}
