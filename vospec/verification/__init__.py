"""What other services and archives know of the stars: pairs of archives."""
