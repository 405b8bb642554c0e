#!/bin/sh
# Puts the starter catalogue into a city: load-catalogue.sh URL LOGIN, the technician's password on standard input or
# typed. An application that is there already with the same version is left as it is.
set -eu

[ $# -eq 2 ] || { echo 'Usage: load-catalogue.sh URL LOGIN' >&2; exit 2; }
command -v curl >/dev/null 2>&1 || { echo 'curl is not installed.' >&2; exit 1; }
url=${1%/}
login=$2
case $login in ''|*[!a-z0-9._-]*) echo "$login is not a login." >&2; exit 2 ;; esac
folder=$(dirname "$0")/catalogue

if [ -t 0 ]; then
  printf 'Password of %s: ' "$login" >&2
  trap 'stty echo' EXIT
  stty -echo
  IFS= read -r password
  stty echo
  echo >&2
else
  IFS= read -r password || [ -n "$password" ]
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A pipe keeps the password out of the process table; JSON special characters are escaped.
escaped=$(printf '%s' "$password" | sed 's/\\/\\\\/g; s/"/\\"/g')
printf '{"login":"%s","password":"%s"}' "$login" "$escaped" |
  curl -sS -f -o /dev/null -c "$work/cookies" -H "Origin: $url" -H 'Content-Type: application/json' --data-binary @- "$url/api/sign-in" ||
  { echo "$url did not let $login in." >&2; exit 1; }

added=0
refused=0
for file in "$folder"/*.json; do
  body=$file
  icon=$(sed -n 's|^ *"icon": *"\(icons/[A-Za-z0-9_-]*\.svg\)",\{0,1\}$|\1|p' "$file")
  if [ -n "$icon" ]; then
    # The drawing takes the place of its path, as the text of a JSON string.
    drawing=$(tr '\n\t' '  ' < "$folder/$icon" | sed 's/\\/\\\\/g; s/"/\\"/g')
    comma=$(sed -n 's|^ *"icon": *"icons/.*"\(,\{0,1\}\)$|\1|p' "$file")
    body=$work/body
    {
      sed '/^ *"icon": *"icons\//,$d' "$file"
      printf '"icon": "%s"%s\n' "$drawing" "$comma"
      sed '1,/^ *"icon": *"icons\//d' "$file"
    } > "$body"
  fi
  status=$(curl -sS -o "$work/answer" -w '%{http_code}' -b "$work/cookies" -H "Origin: $url" -H 'Content-Type: application/json' --data-binary "@$body" "$url/api/applications")
  case $status in
    2*) added=$((added + 1)) ;;
    409) ;;
    *) refused=$((refused + 1)); printf '%s: %s %s\n' "${file##*/}" "$status" "$(cat "$work/answer")" >&2 ;;
  esac
done
echo "$added applications added or brought up to date, $refused refused."
[ "$refused" -eq 0 ]
