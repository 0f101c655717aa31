"""Where a worker lives. One module for each place; all keep `base.Runtime`'s promises."""
