"""One video that has not been published yet: what is known of it, what it may reach, and which of two drafts reaches more."""
