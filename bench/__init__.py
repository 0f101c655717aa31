"""What worker-manager costs, each thing beside a floor that was measured in the same run."""
