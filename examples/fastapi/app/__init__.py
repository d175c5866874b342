"""A todo API whose users sign in with the authentication service."""
