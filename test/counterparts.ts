import type { LinuxRecipe } from '@preau/contract/application.ts';

/** Every real program that Préau must work with. A test that uses one calls `met` with the version
 * read from the program itself; docs/tested-with.md is generated from these calls. */
export interface Counterpart {
  group:
    | 'Browsers'
    | 'Displays'
    | 'Systems'
    | 'Databases'
    | 'Identity'
    | 'School'
    | 'City'
    | 'Windows';
  title: string;
  /** Tested only by this case of `npm run nightly`, which docs/nightly.md says passed. */
  nightly?: string;
  /** Why no test uses it: the row then says "never". */
  never?: string;
}

export const counterparts = {
  chromium: { group: 'Browsers', title: 'Chromium' },
  firefox: { group: 'Browsers', title: 'Firefox', never: 'no test drives it yet' },
  safari: { group: 'Browsers', title: 'Safari, iPadOS', never: 'Apple’s systems do not run here' },
  chrome109: {
    group: 'Browsers',
    title: 'Chrome 109, the last on Windows 7',
    never: 'no package brings it',
  },
  guacd: { group: 'Displays', title: 'guacd' },
  xrdp: { group: 'Displays', title: 'xrdp' },
  bubblewrap: { group: 'Displays', title: 'bubblewrap' },
  debian12: { group: 'Systems', title: 'Debian 12, a root with no more than Node' },
  debian13: { group: 'Systems', title: 'Debian 13, a root with no more than Node' },
  ubuntu: {
    group: 'Systems',
    title: 'Ubuntu, on which EOLE’s modules stand',
    never: 'none can be had here; the installer refuses it unless the line says --untested',
  },
  systemd: { group: 'Systems', title: 'systemd' },
  docker: { group: 'Systems', title: 'Docker, Compose', nightly: 'containers' },
  qemu: { group: 'Systems', title: 'A virtual machine, cgroup v2', nightly: 'virtual machine' },
  sqlite: { group: 'Databases', title: 'SQLite' },
  postgresql: { group: 'Databases', title: 'PostgreSQL' },
  redis: { group: 'Databases', title: 'Redis' },
  age: { group: 'Databases', title: 'age, which encrypts backups' },
  openldap: { group: 'Identity', title: 'OpenLDAP (slapd)' },
  samba: { group: 'Identity', title: 'Samba, as an Active Directory controller' },
  oidc: { group: 'Identity', title: 'oidc-provider' },
  cas: {
    group: 'Identity',
    title: 'A CAS server',
    never: 'no package brings one; the tests answer as the protocol’s specification says',
  },
  apt: { group: 'School', title: 'apt' },
  dpkg: { group: 'School', title: 'dpkg' },
  needrestart: { group: 'School', title: 'needrestart' },
  sshd: { group: 'School', title: 'OpenSSH server' },
  cups: { group: 'School', title: 'CUPS' },
  squid: { group: 'School', title: 'squid' },
  e2guardian: { group: 'School', title: 'e2guardian', never: 'no test browses through it yet' },
  nginx: { group: 'City', title: 'nginx in front' },
  postfix: {
    group: 'City',
    title: 'Postfix',
    never: 'mails are read by smtp-server, a library, so far',
  },
  wine: { group: 'Windows', title: 'Wine', never: 'there is no Windows driver yet' },
  rds: {
    group: 'Windows',
    title: 'Windows Server, Remote Desktop Services',
    never: 'Windows does not run here',
  },
} as const satisfies Record<string, Counterpart>;
export type CounterpartName = keyof typeof counterparts;

/** For each identity provider and agent driver, the counterpart that tests it. */
export const provenBy = {
  providers: { ldap: 'openldap', oidc: 'oidc', cas: 'cas' },
  drivers: { linux: 'xrdp' },
} as const satisfies Record<string, Record<string, CounterpartName>>;

/** The steps of a recipe on a server. */
export const recipeSteps = ['install', 'detect', 'launch', 'upgrade', 'remove'] as const;
export type RecipeStep = (typeof recipeSteps)[number];

export type Note =
  | { kind: 'counterpart'; name: CounterpartName; version: string; how: string; test: string }
  | { kind: 'recipe'; recipe: LinuxRecipe['kind']; step: RecipeStep; on: string; test: string }
  | { kind: 'left_out'; why: string; test: string };
