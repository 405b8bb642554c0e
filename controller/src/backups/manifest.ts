/** What a backup says about itself. */
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });

export const Manifest = Type.Object({
  format: Type.Literal(1),
  /** Of the Préau that made it. */
  version: Type.String(),
  /** Epoch ms: when the database was copied. */
  at: Type.Integer(),
  kind: Type.Union([Type.Literal('sqlite'), Type.Literal('postgres')]),
  /** Migrations that the database has had. */
  migrations: Type.Array(Type.String()),
  /** Inside the backup, but for this manifest. */
  entries: Type.Array(Type.Object({ path: Type.String(), sha256: Hash })),
  /** Beside it, each encrypted for itself. */
  packages: Type.Array(Hash),
  recordings: Type.Array(Type.String({ pattern: '^rec_[A-Za-z0-9_-]{22}$' })),
  /** Where settings stood on that machine, by their name inside the backup. */
  settings: Type.Record(Type.String(), Type.String()),
});
export type Manifest = Static<typeof Manifest>;
export const isManifest = Compile(Manifest);
