"""What users import; re-exported by hand in `headway`."""
