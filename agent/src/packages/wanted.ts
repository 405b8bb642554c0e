/** Files to fetch and their origin, as a server describes them to itself and to its site's first
 * server. */
import { type PackageFile, Sha256 } from '@preau/contract/application.ts';
import { OneOf, Strict } from '@preau/contract/schema.ts';
import { type Static, Type } from 'typebox';

/** `apt`: a Debian package; `url`: the recipe has the address; `controller`: uploaded to the city.
 * A request to a neighbour has the origin and never an address: the neighbour finds the address in
 * its own apt or recipes, so that nobody can make it fetch from anywhere else. */
const WantedFile = Strict({
  sha256: Sha256,
  size: Type.Integer({ minimum: 1, maximum: 8_589_934_592 }),
  name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._+~%:-]{0,250}$' }),
  origin: OneOf(['apt', 'url', 'controller']),
});
type WantedFile = Static<typeof WantedFile>;
export const NeighbourRequest = Strict({
  files: Type.Array(WantedFile, { minItems: 1, maxItems: 2000 }),
  kibibytesPerSecond: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
});
export type NeighbourRequest = Static<typeof NeighbourRequest>;

/** A wanted file with the address from which this server itself would fetch it. */
export interface FileToFetch extends WantedFile {
  /** Null: from the controller. */
  uri: string | null;
}

export const ofPackageFile = ({ sha256, size, name, url }: PackageFile): FileToFetch => ({
  sha256,
  size,
  name,
  uri: url ?? null,
  origin: url === undefined ? 'controller' : 'url',
});

/** `name:arch=version` of a Debian file name; null when it is none. */
export function packageOf(name: string): string | null {
  const [, software, version, architecture] =
    /^([a-z0-9][a-z0-9+.-]*)_([^_]+)_([a-z0-9-]+)\.deb$/.exec(name) ?? [];
  if (software === undefined || version === undefined || architecture === undefined) return null;
  return `${software}${architecture === 'all' ? '' : `:${architecture}`}=${version.replace(/%3a/gi, ':')}`;
}
