/** Every address of the console, by name. Links are built and recognised only here. What each
 * address shows is in pages.ts and admin-pages.ts. */

/** The `:names` in a pattern. */
type Names<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? Name | Names<Rest>
  : P extends `${string}:${infer Name}`
    ? Name
    : never;

/** `shapes`: for each `:name`, the regular expression of its allowed values. */
interface Address<P extends string> {
  readonly pattern: P;
  readonly shapes: Readonly<Record<Names<P>, string>>;
}

const at = <const P extends string>(
  pattern: P,
  ...[shapes]: [Names<P>] extends [never] ? [] : [shapes: Record<Names<P>, string>]
): Address<P> => ({ pattern, shapes: shapes ?? ({} as Record<Names<P>, string>) });
const id = (kind: string) => ({ id: `${kind}_[A-Za-z0-9_-]{22}` });

const addresses = {
  // The portal
  home: at('/'),
  launch: at('/launch/:slug', { slug: '[a-z0-9][a-z0-9-]{1,40}' }),
  session: at('/session/:id', id('ses')),
  badge: at('/badge'),
  classEntry: at('/classe/:code', { code: '[a-z0-9]{4,10}' }),
  myRequests: at('/requests'),
  myClasses: at('/classes'),
  importPupils: at('/classes/import'),
  myClass: at('/classes/:id', id('grp')),
  // Administration
  dashboard: at('/admin'),
  rollouts: at('/admin/rollouts'),
  rolloutHistory: at('/admin/rollouts/history'),
  schedules: at('/admin/rollouts/schedules'),
  rolloutSettings: at('/admin/rollouts/settings'),
  newRollout: at('/admin/rollouts/new'),
  rollout: at('/admin/rollouts/:id', id('rol')),
  schools: at('/admin/schools'),
  school: at('/admin/schools/:id', id('sit')),
  servers: at('/admin/servers'),
  addServer: at('/admin/servers/add'),
  server: at('/admin/servers/:id', id('srv')),
  fleet: at('/admin/fleet'),
  applications: at('/admin/applications'),
  newApplication: at('/admin/applications/new'),
  packages: at('/admin/applications/files'),
  scripts: at('/admin/applications/scripts'),
  application: at('/admin/applications/:id', id('app')),
  rules: at('/admin/rules'),
  newRule: at('/admin/rules/new'),
  rule: at('/admin/rules/:id', id('rul')),
  access: at('/admin/access'),
  accessMatrix: at('/admin/access/matrix'),
  accessExport: at('/admin/access/export'),
  sessions: at('/admin/sessions'),
  recordings: at('/admin/recordings'),
  recording: at('/admin/recordings/:id', id('rec')),
  classes: at('/admin/classes'),
  importPeople: at('/admin/classes/import'),
  class: at('/admin/classes/:id', id('grp')),
  requests: at('/admin/requests'),
  people: at('/admin/people'),
  directories: at('/admin/directories'),
  security: at('/admin/security'),
  audit: at('/admin/audit'),
  statistics: at('/admin/privacy'),
  personalData: at('/admin/privacy/people'),
  leavers: at('/admin/privacy/leavers'),
  retention: at('/admin/privacy/keep'),
} as const;

export type PageName = keyof typeof addresses;
type PatternOf<N extends PageName> = (typeof addresses)[N]['pattern'];
/** The parameters of a page's address: `{ id: string }`, or none. */
export type ParamsOf<N extends PageName> = Record<Names<PatternOf<N>>, string>;
export type AdminName = {
  [N in PageName]: PatternOf<N> extends `/admin${string}` ? N : never;
}[PageName];
export type PortalName = Exclude<PageName, AdminName>;

type Builder<N extends PageName> = [Names<PatternOf<N>>] extends [never]
  ? () => string
  : (params: ParamsOf<N>) => string;
/** `paths.rollout({ id })` */
export const paths = Object.fromEntries(
  Object.entries(addresses).map(([name, { pattern }]) => [
    name,
    (params: Readonly<Record<string, string>> = {}) =>
      pattern.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(params[key] ?? '')),
  ]),
) as unknown as { readonly [N in PageName]: Builder<N> };

/** A path with a query: `withQuery(paths.newRule(), { site })`. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string>> | URLSearchParams,
): string {
  const written = new URLSearchParams(query).toString();
  return written === '' ? path : `${path}?${written}`;
}

export interface Place {
  name: PageName;
  params: Readonly<Record<string, string>>;
}
const recognised = Object.entries(addresses).map(([name, { pattern, shapes }]) => ({
  name: name as PageName,
  form: new RegExp(
    `^${pattern.replace(/:(\w+)/g, (_, key: string) => `(?<${key}>${(shapes as Record<string, string>)[key]})`)}$`,
  ),
}));
/** The page at a path, or null where there is none. */
export function placeOf(path: string): Place | null {
  for (const { name, form } of recognised) {
    const found = form.exec(path);
    if (found !== null) return { name, params: { ...found.groups } };
  }
  return null;
}

export const isInAdmin = (path: string): boolean =>
  path === paths.dashboard() || path.startsWith(`${paths.dashboard()}/`);
export const isAdminName = (name: PageName): name is AdminName =>
  isInAdmin(addresses[name].pattern);

/** Every pattern, in matching order. */
export const patterns: Readonly<Record<PageName, string>> = Object.fromEntries(
  Object.entries(addresses).map(([name, { pattern }]) => [name, pattern]),
) as Record<PageName, string>;
