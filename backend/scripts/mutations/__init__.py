"""Takes the checks that promises rest on away, one at a time, and sees that a named test fails."""
