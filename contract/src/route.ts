/** What a row of the route table says: method, path, who may call it, schemas. The rows are in
 * api.ts and routes/. */
import { type TSchema, Type } from 'typebox';
import { Nullable, Strict } from './schema.ts';

/** `public`: anyone. `signedIn`: any account. `teacher`: teachers, their school's contact,
 * technicians. `contact`: a school's contact and technicians. `technician`: the city's technicians.
 * `administrator`: those of them who are. `agent`: a server, by its key. An agent's key opens no
 * other route, and a person's cookie or token opens no agent route. */
export type Caller =
  | 'public'
  | 'signedIn'
  | 'teacher'
  | 'contact'
  | 'technician'
  | 'administrator'
  | 'agent';

/** What a caller who is limited to some schools may do with a route: everybody but technicians of
 * the whole city. `site`: it concerns schools; the ids it names must be the caller's own, and so
 * must all that it answers. `city`: they may read, not write. `self`: a person's own things, closed
 * to every token. */
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
  /** Only for routes whose reply is a file. */
  file?: string;
  /** A file to keep, under this name; never from a cache. Other files are named by what is in
   * them. */
  download?: string;
  /** The answer is the caller's own, and a wake-up tells when it changes: the same bytes may be
   * sent again, for two seconds at the most. */
  remembered?: true;
  /** The answer is another address (303), given by the verb; never one that the caller named. */
  redirect?: true;
  /** The body is a form's, sent by another program. */
  form?: true;
  /** The body, or the reply, is a stream of bytes: edge/streams.ts carries it. */
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
