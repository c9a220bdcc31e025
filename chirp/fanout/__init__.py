"""Fan-out: owned tasks that follow the journals and draw every event's consequences."""
