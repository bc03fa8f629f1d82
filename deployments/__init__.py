"""What an operator deploys: pull steps for workers, and the webhook service."""
