/** Checks a draft of a rule beyond what its schema can express, for the controller, which refuses
 * it, and for the console, which shows the problem during editing. Pure. */
import { dateOfDay, dayOfDate } from './days.ts';
import { isSubnet } from './network.ts';
import type { RuleDraft } from './rule.ts';
import type { Translated } from './schema.ts';
import { windowsProblem } from './windows.ts';

export interface RuleProblem {
  field: 'client' | 'when' | 'how';
  why: Translated;
}

const isDate = (date: string): boolean => dateOfDay(dayOfDate(date)) === date;

/** Null when there is no problem. */
export function ruleProblem({
  effect,
  client,
  when,
  how,
}: Pick<RuleDraft, 'effect' | 'client' | 'when' | 'how'>): RuleProblem | null {
  if (effect === 'deny' && how !== null)
    return {
      field: 'how',
      why: {
        fr: 'Une interdiction n’a pas de conditions d’usage.',
        en: 'A rule that forbids has no terms of use.',
      },
    };
  if (client?.kind === 'subnet' && !isSubnet(client.subnet))
    return {
      field: 'client',
      why: {
        fr: `${client.subnet} n’est pas une plage d’adresses.`,
        en: `${client.subnet} is no range of addresses.`,
      },
    };
  if (when === null) return null;
  const windows = when.open.length === 0 ? null : windowsProblem(when);
  if (windows !== null) return { field: 'when', why: windows };
  const wrong = [...when.exceptDates, when.from, when.until].find(
    (date) => date !== null && !isDate(date),
  );
  if (wrong != null)
    return { field: 'when', why: { fr: `Le ${wrong} n’existe pas.`, en: `There is no ${wrong}.` } };
  if (when.from !== null && when.until !== null && when.until < when.from)
    return {
      field: 'when',
      why: { fr: 'La fin vient avant le début.', en: 'The end comes before the beginning.' },
    };
  if (
    when.open.length === 0 &&
    when.exceptDates.length === 0 &&
    when.from === null &&
    when.until === null
  ) {
    return {
      field: 'when',
      why: {
        fr: 'Aucun horaire : choisissez « toujours », ou au moins un créneau.',
        en: 'No hours: choose "always", or at least one window.',
      },
    };
  }
  return null;
}
