/** Configuration files and scripts for the agent's own xrdp and xrdp-sesman. Pure. */

/** Where sesman accepts requests: on a TCP port of the loopback before xrdp 0.10, on a Unix socket
 * since. */
export type Sesman = { kind: 'port'; port: number } | { kind: 'socket'; path: string };

/** One back end, selected without asking; no other module, so that nobody can use xrdp as a proxy
 * to another host. Resizing uses the dynamic channel. The clipboard channel passes text only, and
 * only where guacd is told to let it through. */
export const xrdpIni = (host: string, port: number): string => `[Globals]
ini_version=1
fork=true
port=tcp://${host}:${port}
tcp_nodelay=true
tcp_keepalive=true
security_layer=tls
certificate=/etc/xrdp/cert.pem
key_file=/etc/xrdp/key.pem
ssl_protocols=TLSv1.2, TLSv1.3
autorun=Xorg
allow_channels=true
allow_multimon=false
bitmap_cache=true
bitmap_compression=true
bulk_compression=true
max_bpp=32
new_cursors=true
use_fastpath=both
[Logging]
LogFile=/run/xrdp/xrdp.log
LogLevel=WARNING
EnableSyslog=false
[Channels]
rdpdr=false
rdpsnd=false
drdynvc=true
cliprdr=true
rail=false
xrdpvr=false
tcutils=false
[Xorg]
name=Xorg
lib=libxup.so
username=ask
password=ask
ip=127.0.0.1
port=-1
code=20
`;

const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');

const listens = (sesman: Sesman): string[] =>
  sesman.kind === 'port'
    ? ['ListenAddress=127.0.0.1', `ListenPort=${sesman.port}`]
    : [`ListenPort=${sesman.path}`];

/** Sessions match by account and colour depth: with one account per display, a second connection
 * finds the same display. xrdp 0.10 gives a display's sockets to the group named here; with any
 * group but xrdp's own there is no picture. X servers listen on the socket file only, because an
 * abstract socket is open to every program of the machine. They offer no shared memory (MIT-SHM):
 * through it a program could ask its X server for the memory that holds another display's picture,
 * and programs, which are in namespaces of their own, cannot use it anyway. */
export const sesmanIni = (sesman: Sesman): string => `[Globals]
${lines(listens(sesman))}EnableUserWindowManager=false
DefaultWindowManager=/etc/xrdp/wait
ReconnectScript=/etc/xrdp/reconnectwm.sh
[Security]
${lines(sesman.kind === 'socket' ? ['SessionSockdirGroup=xrdp'] : [])}AllowRootLogin=false
MaxLoginRetry=1
AlwaysGroupCheck=false
RestrictOutboundClipboard=file,image
RestrictInboundClipboard=file,image
[Sessions]
X11DisplayOffset=10
MaxSessions=1000
KillDisconnected=false
DisconnectedTimeLimit=0
IdleTimeLimit=0
Policy=Default
[Logging]
LogFile=/run/xrdp/sesman.log
LogLevel=WARNING
EnableSyslog=false
[Xorg]
param=/etc/xrdp/xorg
param=-config
param=xrdp/xorg.conf
param=-noreset
param=-nolisten
param=tcp
param=-nolisten
param=local
param=-extension
param=MIT-SHM
param=-logfile
param=xorg.log
[Chansrv]
FuseMountName=none
[ChansrvLogging]
LogLevel=ERROR
EnableSyslog=false
[SessionVariables]
`;

/** xrdp runs as its own user; sesman must be root to start displays of accounts. When either ends,
 * process 1 of the namespace ends, and the kernel ends the rest: without sesman nobody can attach
 * to a display any more. */
export const serveScript = `#!/bin/bash
xrdp-sesman -n &
setpriv --reuid xrdp --regid xrdp --init-groups xrdp -n &
wait -n
`;

/** Starts an X server. When memory runs out, the kernel may take one display, but not the display
 * server, from which the value is inherited. */
export const xorgScript = `#!/bin/sh
{ echo 0 > /proc/self/oom_score_adj; } 2>/dev/null
exec /usr/lib/xorg/Xorg "$@"
`;

/** All that sesman runs for a display account: a process that does nothing until it is ended. The
 * window manager is in a sandbox, which sesman cannot make. */
export const waitScript = `#!/bin/sh
exec sleep infinity
`;

/** The account has no password in the system: this file is its only way in, and signing in removes
 * it. \`rm\` without -f fails for the second of two attempts. */
export const oneUsePassword = `#!/bin/sh
IFS= read -r given
case "$PAM_USER" in *[!a-z0-9-]*|'') exit 1;; esac
file="/run/xrdp/credentials/$PAM_USER"
[ -f "$file" ] || exit 1
[ "$(printf %s "$given" | sha256sum | cut -c1-64)" = "$(cat "$file")" ] || exit 1
rm "$file" 2>/dev/null
`;

export const pamConfiguration = `auth requisite pam_exec.so expose_authtok quiet /etc/xrdp/one-use-password
auth required pam_permit.so
account required pam_permit.so
session required pam_permit.so
password required pam_deny.so
`;

/** Where the sesman of this configuration accepts requests. */
export function sesmanOf(ini: string): Sesman | null {
  const where = /^ListenPort=(.+)$/m.exec(ini)?.[1];
  if (where === undefined) return null;
  return where.startsWith('/')
    ? { kind: 'socket', path: where }
    : { kind: 'port', port: Number(where) };
}

/** What xrdp-sesrun before 0.10 calls the loopback. Where sesman listens depends on the machine's
 * IPv6, whatever its configuration says: for the first name xrdp-sesrun tries ::1, then 127.0.0.1.
 * The resolver refuses the second name when no card has IPv6. */
export const loopbacks = ['127.0.0.1', '::1'] as const;

/** Arguments that ask sesman for a display of 1280 × 720. xrdp-sesrun 0.10 reads the socket from
 * the file and has no option for a host. */
export const sesrunArguments = (
  sesman: Sesman['kind'],
  host: string,
  configuration: string,
  account: string,
): string[] => [
  ...(sesman === 'port' ? ['-s', host] : []),
  '-c',
  configuration,
  '-t',
  'Xorg',
  '-g',
  '1280x720',
  '-b',
  '24',
  '-F',
  '0',
  account,
];
