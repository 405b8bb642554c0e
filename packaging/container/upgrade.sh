#!/bin/sh
# Upgrades a city in containers, from the folder of the new version (git pull has been done); --back returns to the image before.
# The way, in French: docs/runbooks/upgrade.md.
set -eu
cd "$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")"

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
now() { date +%s%3N; }
image=$(docker compose config --images controller | head -n 1)
preau() { docker compose run --rm --no-deps -T controller preau "$@"; }
start() { docker compose up -d --no-build --no-deps --wait --wait-timeout "${UPGRADE_READY_SECONDS:-60}" controller; }
gap() { say "Nobody could click for $(( $(now) - stopped )) ms."; }
before="$image-before"

if [ "${1-}" = --back ]; then
  docker image inspect "$before" >/dev/null 2>&1 || fail "There is no image to go back to: $before."
  stopped=$(now)
  docker compose stop controller
  preau upgrade --back || { start; fail "The database was not taken back. Restore the backup (docs/runbooks/upgrade.md)."; }
  docker tag "$before" "$image"
  start || fail "The version before does not become ready: docker compose logs controller"
  gap
  say "Back to the version before, with the rows of today."
  exit 0
fi

docker tag "$(docker compose images -q controller)" "$before"
docker compose build controller
preau upgrade --try || { docker tag "$before" "$image"; fail "The new version does not fit this database: nothing was changed, the old one serves."; }
# By the old version, which still runs: the new one refuses the older database.
docker compose exec -T controller sh -c '[ -z "${PREAU_BACKUP_KEY-}" ] || [ ! -e controller/src/commands/backup.ts ] || node --single-threaded controller/src/main.ts backup' ||
  { docker tag "$before" "$image"; fail "The backup failed: nothing was changed, the old version serves."; }
stopped=$(now)
docker compose stop controller
if preau upgrade --migrate; then
  if start; then gap; say "The new version serves. Back: packaging/container/upgrade.sh --back"; exit 0; fi
  docker compose stop controller
  preau upgrade --back || fail "Not ready, and the database could not be taken back: restore the backup (docs/runbooks/upgrade.md)."
fi
docker tag "$before" "$image"
start || fail "The version before does not become ready: docker compose logs controller"
gap
fail "The new version was not taken: the one before serves again, with its own database."
