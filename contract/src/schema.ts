/** Building blocks that all wire schemas share: ids, instants, text that is safe to store and show.
 * Schemas of a single noun belong in that noun's own file. */
import { type Static, type TSchema, Type } from 'typebox';
import { type IdKind, idPattern } from './ids.ts';

/** Id of a stored object: a short prefix for its kind, then 128 random bits in base64url (22
 * characters). */
export const Id = (kind: IdKind) => Type.String({ pattern: idPattern(kind), maxLength: 32 });

/** Milliseconds since 1970-01-01 UTC. */
export const Instant = Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000 });

/** One line of text for people. Control characters, text-direction overrides and path traversal
 * (`../`) are refused, because names reach file systems, terminals and log files of 27 schools. */
export const Line = (maxLength: number) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern:
      '^(?!\\s)(?!.*\\.\\.[\\\\/])[^\\u0000-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]*$',
  });

/** Text that a machine wrote: shown only as text. It has lines and tabs, and no other control
 * character: PostgreSQL stores no NUL, and a terminal obeys the rest. */
export const MachineText = (maxLength: number) =>
  Type.String({ maxLength, pattern: '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$' });

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
/** The text without what `MachineText` refuses. After a power cut a log may hold such bytes. */
export const plainText = (text: string): string => text.replace(controls, '');

const timeZones = new Set<string>();
/** Whether the city's machines know the IANA name. A known one is looked up once. */
export function isTimeZone(name: unknown): boolean {
  if (typeof name !== 'string') return false;
  if (timeZones.has(name)) return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
  } catch {
    return false;
  }
  timeZones.add(name);
  return true;
}

/** An IANA name, such as `Europe/Paris`. An unknown one would stop every rule of its school. */
export const TimeZone = Type.Refine(
  Type.String({ pattern: '^[A-Za-z_]+(/[A-Za-z_-]+){1,2}$', maxLength: 40 }),
  isTimeZone,
  () => 'must be a time zone, such as Europe/Paris',
);

/** Lower-case words joined by hyphens, for use in a URL. */
export const Slug = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{1,40}$' });

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** An object that refuses unknown fields, so that a typing error in a request is reported and not
 * ignored. */
export const Strict = <P extends Record<string, TSchema>>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });

export const OneOf = <const V extends readonly string[]>(values: V) =>
  Type.Union(values.map((value) => Type.Literal(value))) as unknown as ReturnType<
    typeof Type.Unsafe<V[number]>
  >;

export const Translated = (maxLength: number) =>
  Strict({ fr: Line(maxLength), en: Line(maxLength) });
export type Translated = Static<ReturnType<typeof Translated>>;

/** A day as it is written: `2026-11-30`. */
export const CalendarDate = Type.String({
  pattern: '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$',
});
