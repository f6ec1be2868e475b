"""What a run came to, as one archive for a repository of research data."""
