"""The way of a change to production: the release's text, the registry, the check of a stack."""
