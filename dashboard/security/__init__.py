"""Who comes in and what they may do: sign-in, roles of sessions, headers and limits."""
