/** The shape of a row of the route table: method, path, who may call it, schemas. The rows are in
 * api.ts and routes/. */
import { type TSchema, Type } from 'typebox';
import { Nullable, Strict } from './schema.ts';

/** `public`: anyone. `signedIn`: any account. `teacher`: teachers, their school's contact,
 * technicians. `contact`: a school's contact and technicians. `technician`: the city's technicians,
 * administrators included. `administrator`: administrators only. `agent`: a server, by its key. An
 * agent's key gives access to no other route, and a person's cookie or token to no agent route. */
export type Caller =
  | 'public'
  | 'signedIn'
  | 'teacher'
  | 'contact'
  | 'technician'
  | 'administrator'
  | 'agent';

/** What callers limited to some schools (everybody except technicians of the whole city) may do
 * with a route. `site`: it concerns schools; all ids in the call and in the reply must be of the
 * caller's schools. `city`: they may read, not write. `self`: a person's own data, which no token
 * can access. */
export type Reach = 'site' | 'city' | 'self';

interface RouteParts {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  summary: string;
  params?: TSchema;
  query?: TSchema;
  body?: TSchema;
  reply: TSchema;
  status?: 200 | 201 | 204;
  /** Media type, only for routes whose reply is a file. */
  file?: string;
  /** File name of a download, which is never cached. Other files are addressed by their content. */
  download?: string;
  /** The reply is specific to the caller and a wake-up announces its changes, so the same bytes may
   * be sent again for up to two seconds. */
  remembered?: true;
  /** The reply redirects (303) to an address that the verb chose, never to one from the caller. */
  redirect?: true;
  /** The body is form data, sent by another program. */
  form?: true;
  /** The body (`up`) or the reply (`down`) is a stream of bytes; edge/streams.ts serves it. */
  stream?: 'up' | 'down';
}
/** A person's route without a reach does not compile. */
export type Route = RouteParts &
  (
    | { caller: 'public' | 'agent'; reach?: never }
    | { caller: 'signedIn' | 'teacher' | 'contact' | 'technician' | 'administrator'; reach: Reach }
  );

export const Nothing = Type.Null();
export const List = <T extends TSchema>(item: T) => Strict({ items: Type.Array(item) });
export const Page = <T extends TSchema>(item: T) =>
  Strict({ items: Type.Array(item), next: Nullable(Type.String()) });
export const Count = Type.String({ pattern: '^[1-9][0-9]{0,2}$' });
export const Cursor = Type.String({ maxLength: 400, pattern: '^[A-Za-z0-9_-]+$' });
export const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
export const ofId = <T extends TSchema>(id: T) => Strict({ id });
