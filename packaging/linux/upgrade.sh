#!/bin/sh
# Upgrades a city that runs from a checkout, from the folder of the new version; --back returns to the version before.
# The way, in French: docs/runbooks/upgrade.md. Versions stand side by side; the link "current" says which one runs.
set -eu

new=$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")
[ -z "${UPGRADE_VERSION-}" ] || new=$UPGRADE_VERSION
root=${UPGRADE_ROOT:-/opt/preau}
service=${UPGRADE_SERVICE:-preau-controller}
settings=${UPGRADE_SETTINGS:-/etc/preau/controller.env}
user=${UPGRADE_USER-preau}
seconds=${UPGRADE_READY_SECONDS:-60}

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

[ -L "$root/current" ] || fail "There is no link $root/current. docs/runbooks/upgrade.md says how a city is laid out."
[ -r "$settings" ] || fail "The settings $settings cannot be read. Run this as root."
set -a; . "$settings"; set +a

preau() { # FOLDER WORDS…: a command of that version, as the controller's user.
  folder=$1; shift
  # --single-threaded: packaging/preau says why.
  set -- "$folder/node_modules/.bin/node" --single-threaded "$folder/controller/src/main.ts" "$@"
  if [ -n "$user" ]; then runuser -u "$user" -- "$@"; else "$@"; fi
}
now() { date +%s%3N; }
ready() { # Waits until the controller is ready; fails after some time.
  "$1/node_modules/.bin/node" -e '
    const [url, seconds] = process.argv.slice(1);
    const until = Date.now() + Number(seconds) * 1000;
    (async () => {
      while (Date.now() < until) {
        const answer = await fetch(url, { signal: AbortSignal.timeout(2000) }).catch(() => null);
        if (answer?.ok) process.exit(0);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      process.exit(1);
    })();' "http://127.0.0.1:${PREAU_PORT:-8080}/api/health/ready" "$seconds"
}
point() { ln -sfn "$1" "$root/.next" && mv -Tf "$root/.next" "$root/current"; }
gap() { say "Nobody could click for $(( $(now) - stopped )) ms."; }

old=$(readlink -f "$root/current")

if [ "${1-}" = --back ]; then
  [ -L "$root/previous" ] || fail "There is no version to go back to: $root/previous is missing."
  previous=$(readlink -f "$root/previous")
  stopped=$(now)
  systemctl stop "$service"
  preau "$old" upgrade --back || { systemctl start "$service"; fail "The database was not taken back: $old runs as before. Restore the backup from before the upgrade (docs/runbooks/upgrade.md)."; }
  point "$previous"
  rm -f "$root/previous"
  systemctl start "$service"
  ready "$previous" || fail "$previous was started and is not ready within $seconds s: look at journalctl -u $service."
  gap
  say "Back to $previous, with the rows of today."
  exit 0
fi

[ "$new" != "$old" ] || fail "$new runs already. Unpack the new version into a folder of its own, and run its packaging/linux/upgrade.sh."
preau "$new" upgrade --try || fail "The new version does not fit this database: nothing was changed, $old serves."
# By the old version: the new one would migrate first.
if [ -n "${PREAU_BACKUP_KEY-}" ] && [ -e "$old/controller/src/commands/backup.ts" ]; then
  preau "$old" backup || fail "The backup failed: nothing was changed, $old serves."
fi
stopped=$(now)
systemctl stop "$service"
if ! preau "$new" upgrade --migrate; then
  systemctl start "$service"
  ready "$old" || fail "Nothing was changed, but $old is not ready within $seconds s: look at journalctl -u $service."
  gap
  fail "The migrations failed and changed nothing: $old serves again."
fi
ln -sfn "$old" "$root/previous"
point "$new"
systemctl start "$service"
if ready "$new"; then
  gap
  say "$new serves. Back to $old: $new/packaging/linux/upgrade.sh --back"
  exit 0
fi
systemctl stop "$service"
preau "$new" upgrade --back || fail "$new was not ready, and its database could not be taken back: restore the backup (docs/runbooks/upgrade.md)."
point "$old"
rm -f "$root/previous"
systemctl start "$service"
ready "$old" || fail "$new was not ready, and neither is $old: look at journalctl -u $service."
gap
fail "$new was not ready within $seconds s: $old serves again, with its own database."
