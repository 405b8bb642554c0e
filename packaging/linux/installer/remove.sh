# `--remove`: leaves this machine as it was before the installation, except for people's folders.

state=${identity%/*}

remove_server() {
  [ -e "$identity" ] || [ -e "$record" ] || [ -e "$folder" ] || refuse 'There is no Préau server on this machine.'
  server=$(sed -n 's/.*"serverId":"\([^"]*\)".*/\1/p' "$identity" 2>/dev/null || true)
  city=$(sed -n 's/.*"controllerUrl":"\([^"]*\)".*/\1/p' "$identity" 2>/dev/null || true)
  stop_agent
  remove_display_accounts
  remove_locale
  purge_packages
  remove_accounts
  remove_traces
  tell_what_stays
}

stop_agent() {
  if [ -d /run/systemd/system ]; then
    say 'the agent and its sessions end'
    systemctl disable --quiet --now preau-agent.service 2>/dev/null || true
    systemctl stop preau-sessions.slice 2>/dev/null || true
    for unit in $(recorded mask); do systemctl unmask --quiet "$unit" 2>/dev/null || true; done
  elif find /proc/[0-9]*/cmdline -exec grep -lz "^$folder/preau-agent" {} + 2>/dev/null | grep -q .; then
    refuse "The agent still runs. End it first (its processes: $folder/preau-agent…), then run the same command again."
  fi
  rm -f /etc/systemd/system/preau-agent.service
  [ ! -d /run/systemd/system ] || systemctl daemon-reload
}

# Throw-away accounts of displays that were not destroyed in time.
remove_display_accounts() {
  awk -F : '$5 == "Preau display" { print $1 }' /etc/passwd | while read -r account; do userdel "$account" || true; done
}

# Packages of catalogue applications that the city wanted here.
catalogue_packages() {
  [ -r "$state/desired.json" ] && [ -x "$folder/node" ] || return 0
  "$folder/node" -e '
    const state = JSON.parse(JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).document);
    for (const { recipes } of [...state.applications, ...state.removals])
      for (const name of [recipes.linux?.packages ?? [], recipes.linux?.package ?? []].flat()) console.log(name);
  ' "$state/desired.json" 2>/dev/null || true
}

# Only what came with the installation or the catalogue, and never what anything else here needs: apt is asked which of
# these nothing needs once they count as installed for others only.
purge_packages() {
  recorded package >"$work/ours"
  if [ -s "$record.kept" ]; then
    unneeded >"$work/unneeded-before"
    # What the catalogue installed, and what came with it; not what nobody needed before either.
    { catalogue_packages; apt-mark showauto; } | sort -u | comm -13 "$record.kept" - | comm -13 "$work/unneeded-before" - >>"$work/ours"
  fi
  list_packages >"$work/here"
  sort -u "$work/ours" | comm -12 - "$work/here" >"$work/candidates"
  [ -s "$work/candidates" ] || return 0
  say "packages: $(wc -l <"$work/candidates") came with the installation"
  # Those that stay count as installed for others from now on.
  apt-mark showmanual | sort -u | comm -12 - "$work/candidates" >"$work/manual"
  # shellcheck disable=SC2046 # a list of names
  apt-mark auto $(cat "$work/candidates") >/dev/null
  unneeded | comm -12 - "$work/candidates" >"$work/gone"
  comm -13 "$work/gone" "$work/candidates" >"$work/needed"
  # On Debian 13 a purge of locales takes away a link that belongs to the system.
  locale_link=$(readlink /etc/default/locale || true)
  if [ -s "$work/gone" ]; then
    show_progress &
    progress=$!
    code=0
    # shellcheck disable=SC2046
    apt_get purge $(cat "$work/gone") || code=$?
    kill "$progress" 2>/dev/null || true
    if [ "$code" -ne 0 ]; then
      # shellcheck disable=SC2046
      apt-mark manual $(cat "$work/manual") >/dev/null
      tail -n 20 "$work/apt.log" >&2
      failed_removal 'apt-get purge failed'
    fi
  fi
  purge_alternatives
  drop_empty_icon_themes
  if [ -n "$locale_link" ] && [ ! -e /etc/default/locale ] && [ ! -L /etc/default/locale ]; then
    ln -s "$locale_link" /etc/default/locale
  fi
  if [ -s "$work/needed" ]; then
    say "packages that stay, because something else here needs them: $(tr '\n' ' ' <"$work/needed")"
  fi
}
# Packages that are installed for others only, and that no other needs.
unneeded() {
  LC_ALL=C apt-get -s -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false autoremove 2>/dev/null |
    sed -n 's/^Remv \([^ ]*\).*/\1/p' | sort -u
}
# apt also keeps what is one of several ways to meet a need. Such a package may go when nothing else goes with it.
purge_alternatives() {
  : >"$work/needed.now"
  while read -r name; do
    if [ "$(LC_ALL=C apt-get -s purge "$name" 2>/dev/null </dev/null | grep -c '^\(Remv\|Purg\) ')" -eq 1 ] &&
      apt_get purge "$name" </dev/null; then continue; fi
    printf '%s\n' "$name" >>"$work/needed.now"
  done <"$work/needed"
  mv "$work/needed.now" "$work/needed"
}
# On Debian 13 the index of an icon theme outlives the theme's package.
drop_empty_icon_themes() {
  for index in /usr/share/icons/*/icon-theme.cache; do
    theme=${index%/*}
    if [ "$(ls -A "$theme" 2>/dev/null)" = icon-theme.cache ]; then rm -r "$theme"; fi
  done
  rmdir /usr/share/icons 2>/dev/null || true
}
failed_removal() {
  printf '%s\n' "$1" 'The removal is not complete. Correct this and run the same command again: it takes up where it stopped.' >&2
  exit 1
}

# Accounts that the packages made for themselves, unless a file still belongs to them: then their package stays.
remove_accounts() {
  for user in $(recorded user); do
    if getent passwd "$user" >/dev/null && ! belongs_here -user "$user"; then userdel "$user" 2>/dev/null || true; fi
  done
  for group in $(recorded group); do
    if getent group "$group" >/dev/null && ! belongs_here -group "$group"; then groupdel "$group" 2>/dev/null || true; fi
  done
}
belongs_here() { [ -n "$(find / -xdev "$@" -print -quit 2>/dev/null)" ]; }

# The archive of locales vanishes with its last one.
remove_locale() {
  for name in $(recorded locale); do localedef --delete-from-archive "$name" 2>/dev/null || true; done
  if [ -e "$locale_archive" ] && [ -z "$(localedef --list-archive 2>/dev/null)" ]; then rm -f "$locale_archive"; fi
}
locale_archive=/usr/lib/locale/locale-archive

remove_traces() {
  # The agent writes the first where needrestart is installed, the others for the catalogue.
  rm -f /etc/needrestart/conf.d/preau-agent.conf /etc/apt/sources.list.d/preau-*.sources
  rmdir /etc/needrestart/conf.d /etc/needrestart 2>/dev/null || true
  rm -rf "$folder" /opt/preau /run/preau-agent "${settings%/*}"
  find "$state" -mindepth 1 -maxdepth 1 ! -name homes -exec rm -rf {} + 2>/dev/null || true
  rmdir "$state/homes" "$state" 2>/dev/null || true
}

tell_what_stays() {
  say 'Préau is gone from this machine.'
  if [ -d "$state/homes" ]; then
    say "people's folders stay, in $state/homes ($(find "$state/homes" -mindepth 1 -maxdepth 1 | wc -l) of them): copy or delete them yourself"
  fi
  [ -z "$server" ] || say "the city does not know yet: retire this server in the console, at $city/admin/servers/$server"
}
