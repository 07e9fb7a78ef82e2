"""What claims are judged on: a head with the features it reads, and the snapshot that keeps it."""
