#!/bin/sh
# Looks at Préau through the nginx of this machine, as a device does, and changes nothing. Ends with
# 0 when all is well.
#
#   sh packaging/nginx/check.sh https://preau.ville.example
#
# CURL_CA_BUNDLE names the city's own authority, where this machine does not trust it.
set -u
url=${1:?usage: check.sh https://NAME}
name=${url#https://}
port=443
case $name in *:*) port=${name#*:} name=${name%%:*} ;; esac
[ "$url" != "$name" ] || { echo "usage: check.sh https://NAME" >&2; exit 2; }
command -v curl >/dev/null || { echo "curl is missing: apt-get install curl" >&2; exit 2; }
bad=0
good() { echo "✓ $1"; }
wrong() { echo "✗ $1: $2"; bad=1; }
# 127.0.0.2 is this machine too, and is nobody's proxy: the controller must see it.
device=127.0.0.2
ask() { curl -sS --max-time 10 --resolve "$name:$port:127.0.0.1" --interface "$device" "$@" 2>&1; }
code() { ask -o /dev/null -w '%{http_code}' "$@"; }

said=$(code "$url/api/health")
case $said in
  200) good "https answers, with a certificate for $name" ;;
  50?) wrong https "nginx answers, the controller does not ($said). Is it started? Is its address right in preau.conf?" ;;
  *) wrong https "$said" ;;
esac

said=$(ask -o /dev/null -w '%{http_version}' --http2 "$url/")
if [ "$said" = 2 ]; then good "browsers get HTTP/2"; else wrong HTTP/2 "$said"; fi

said=$(ask -D - -o /dev/null "$url/" | tr '[:upper:]' '[:lower:]')
case $said in
  *strict-transport-security:*) good "browsers are told to use https only" ;;
  *) wrong HSTS "set PREAU_PUBLIC_URL=$url and restart the controller" ;;
esac

if [ "$port" = 443 ]; then
  said=$(curl -sS --max-time 10 --resolve "$name:80:127.0.0.1" -o /dev/null -w '%{http_code} %{redirect_url}' "http://$name/admin" 2>&1)
  if [ "$said" = "301 $url/admin" ]; then good "http leads to https"; else wrong http "$said"; fi
fi

# A WebSocket stays open: curl gives up after three seconds, and has seen the answer by then.
said=$(ask --max-time 3 --http1.1 -N -o /dev/null -w '%{http_code}' -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
  -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: cHJlYXUtcHJlYXUtcHJlYQ==' -H "Origin: $url" \
  "$url/api/hub/?EIO=4&transport=websocket")
case $said in
  *101) good "WebSockets pass" ;;
  *) wrong WebSockets "$said (403: PREAU_PUBLIC_URL is not $url)" ;;
esac

said=$(ask -H 'X-Forwarded-For: 203.0.113.9' "$url/api/address")
case $said in
  *"\"$device\""*) good "the controller sees the address of each device" ;;
  *203.0.113.9*) wrong addresses "devices may invent their address: nginx must set X-Forwarded-For itself" ;;
  *) wrong addresses "the controller sees $said for every device: set PREAU_TRUSTED_PROXIES to that address and restart it" ;;
esac

[ "$bad" != 0 ] || echo "All is well: Préau answers at $url"
exit "$bad"
