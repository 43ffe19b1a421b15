"""What people see: pure functions that give messages and views in Block Kit."""
