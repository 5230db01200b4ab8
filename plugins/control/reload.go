package control

import controlv1 "cordboard/plugins/control/v1"

func encodeReload(r Reload) *controlv1.ReloadReply {
	return &controlv1.ReloadReply{
		Applied: r.Applied, File: text(r.File), Plan: text(r.Plan), Refusal: text(r.Refusal),
		Problems: list(r.Problems, func(p ConfigProblem) *controlv1.ConfigProblem {
			return &controlv1.ConfigProblem{
				File: text(p.File), Line: int32(p.Line), Column: int32(p.Column), Path: text(p.Path), Message: text(p.Message),
				Fix: text(p.Fix), Snippet: text(p.Snippet),
			}
		}),
	}
}

func decodeReload(r *controlv1.ReloadReply) Reload {
	return Reload{
		Applied: r.GetApplied(), File: r.GetFile(), Plan: r.GetPlan(), Refusal: r.GetRefusal(),
		Problems: list(r.GetProblems(), func(p *controlv1.ConfigProblem) ConfigProblem {
			return ConfigProblem{
				File: p.GetFile(), Line: int(p.GetLine()), Column: int(p.GetColumn()), Path: p.GetPath(), Message: p.GetMessage(),
				Fix: p.GetFix(), Snippet: p.GetSnippet(),
			}
		}),
	}
}
