"""What training draws: the mixture of sets, their patches, and how they are changed."""
