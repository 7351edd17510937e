"""Opening media files that nobody vouches for: ten frames and the sound, from small processes that may be killed."""
