"""Fan-out: consumers that follow the journals and draw every event's consequences."""
