"""Values, without input or output. Hooks load this package: nothing stands here."""
