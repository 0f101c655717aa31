# Sourced by the command of each hook, with `event` and `root` (the plugin's folder) set. Looks
# before anything is started: mostly there is nothing to do. Writes nothing to stdout.

home="${WORKER_MANAGER_STATE_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/worker-manager}"
home="$home/sessions/$CLAUDE_CODE_SESSION_ID"
mail="$home/mail"
look='' receipts=new
case $event in
  PostToolUse | FileChanged) look=yes ;;
  # Before each tool that writes: most sessions have no guard.
  PreToolUse) [ -n "$WORKER_MANAGER_WORKER_ID" ] && [ -e "$home/guard" ] || exit 0 ;;
  # Of interest in workers alone.
  PermissionRequest | StopFailure | Notification) [ -n "$WORKER_MANAGER_WORKER_ID" ] || exit 0 ;;
  PostToolUseFailure)
    [ -n "$WORKER_MANAGER_WORKER_ID" ] || exit 0
    look=yes
    ;;
  # A worker's prompt is its check-in, its stop wants a report.
  UserPromptSubmit | Stop)
    [ -n "$WORKER_MANAGER_WORKER_ID" ] || look=yes
    receipts=pending
    ;;
esac
if [ -n "$look" ]; then
  for file in "$mail"/new/* "$mail"/claimed/* "$mail/$receipts"/* "$home"/requests/*; do
    [ -e "$file" ] && look='' && break
  done
  [ -z "$look" ] || exit 0
fi

# Of a worker: the interpreter of the session that started it. Else the one that the session's
# server has noted. Hooks need the standard library only, so the packages' folder is left out (-S).
# They leave no garbage that would have to be collected, and nothing to tidy up at the end.
python=$WORKER_MANAGER_PYTHON
[ -n "$python" ] || [ ! -r "$home/python" ] || read -r python <"$home/python"
if [ -n "$python" ] && [ -x "$python" ]; then
  source=$root/src
  [ -d "$source" ] || source=$root/../.. # within the package, as a wheel brings it
  exec "$python" -I -S -c 'import gc, os, sys
gc.disable()
sys.path.insert(0, sys.argv[1])
from worker_manager.hooks import entry
os._exit(entry.run(sys.argv[2]))' "$source" "$event"
fi
exec "$root/bin/worker-manager" --hook "$event"
