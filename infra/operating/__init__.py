"""What infra/check and infra/restore are made of."""
