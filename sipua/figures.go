package sipua

import "cordboard/sipua/edge"

// EdgeStats are the figures of the filter in front of the parser.
func (s *Stack) EdgeStats() edge.Stats { return s.filter.Stats() }
