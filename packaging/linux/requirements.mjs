/** The Debian packages needed, by purpose. Plain JavaScript: it is read before anything is
 * installed. */

/** On a school's execution server. */
export const serverPackages = [
  'xrdp',
  'xorgxrdp',
  'openbox',
  'bubblewrap',
  'x11-utils',
  'xauth',
  'dbus-daemon',
  'openssl',
  'librsvg2-bin',
  'fonts-dejavu-core',
  'adwaita-icon-theme',
  'breeze-icon-theme',
  'qttranslations5-l10n',
  'qt6-translations-l10n',
  'locales',
  'cups-daemon',
  'cups-filters',
  'cups-client',
  'cups-bsd',
];

/** On the controller's machine, without containers. */
export const controllerPackages = ['redis-server', 'age'];

/** For the tests only. */
export const testPackages = [
  'chromium',
  'openssh-server',
  'openssh-client',
  'sudo',
  'age',
  'postgresql',
  'fonts-noto-color-emoji',
  'poppler-utils',
  'pngquant',
  'iproute2',
  'slapd',
  'samba',
  'samba-ad-dc',
  'samba-ad-provision',
  'samba-dsdb-modules',
  'winbind',
  'squid-openssl',
  'shellcheck',
  'nginx',
  'curl',
];

/** For the lab: a root system for its schools, servers that boot, their network, building and
 * signing packages; Ansible for comparison. */
export const labPackages = [
  'mmdebstrap',
  'systemd-container',
  'nftables',
  'iproute2',
  'openssh-client',
  'gpg',
  'gpg-agent',
  'dpkg-dev',
  'ansible-core',
];

/** For the nightly cases: bare roots with a network of their own, what a city with one virtual
 * machine stands on, and a browser. */
export const nightlyPackages = [
  'mmdebstrap',
  'slirp4netns',
  ...controllerPackages,
  'bubblewrap',
  'chromium',
  'fonts-noto-color-emoji',
  'iproute2',
  'openssh-client',
];

/** In a root of its own: the container engine, what makes its base images, and a reverse proxy. */
export const enginePackages = [
  'docker.io',
  'docker-cli',
  'docker-compose',
  'docker-buildx',
  'iptables',
  'mmdebstrap',
  'debian-archive-keyring',
  'nginx-light',
  'openssl',
];

/** In a root of its own: the emulator of a virtual machine. */
export const emulatorPackages = ['qemu-system-x86', 'qemu-utils'];

/** For the benchmarks: the tools Préau is compared with. */
/** nginx stands in front during a siege. */
export const benchPackages = [
  'clustershell',
  'openssh-server',
  'openssh-client',
  'nginx',
  'iproute2',
  'age',
  'sqlite3',
];
