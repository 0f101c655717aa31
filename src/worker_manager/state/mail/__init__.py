"""Mailboxes: letters, claims, receipts."""
