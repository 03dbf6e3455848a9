"""What the cloud's figures stand on: a throw-away PostgreSQL with the real processes, and devices that send to them."""
