"""What an author's last videos are worth at forecast time, without training."""
