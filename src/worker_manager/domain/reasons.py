"""Why a worker is blocked, as its record says it, where more than its reader depends on it."""

#: How it begins while a dialog is open at its terminal: a permission, a question.
DIALOGS = PERMISSION, QUESTION = ("permission: ", "question: ")
#: Claude Code's word for a usage limit.
RATE_LIMIT = "rate_limit"
