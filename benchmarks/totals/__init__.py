"""Do totals over several videos hold? Of one author, of random videos, and of both mixed."""
