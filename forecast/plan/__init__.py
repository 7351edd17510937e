"""Many drafts at once: what each may reach, and all together."""
