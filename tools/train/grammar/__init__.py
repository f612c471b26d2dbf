"""The hand-written story grammar: words, cast, openings, plots and endings."""
