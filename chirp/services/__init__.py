"""Use cases: one method each. Down go the viewer and a command; up come views or a refusal."""
