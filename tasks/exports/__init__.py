"""What a run that passed hands on: images, bundles and pages."""
