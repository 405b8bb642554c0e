/** `preau doctor [--json] [--bundle FILE [--log FILE]]`. */
import { parseArgs } from 'node:util';
import { readConfigAsFarAsRight } from '#src/config.ts';
import { IdentityFaults, readIdentity } from '#src/identity/settings.ts';
import { type Database, databaseTarget } from '#src/platform/database.ts';
import { writeBundle } from './bundle.ts';
import { asJson, examine, exitCodeOf, inWords } from './doctor.ts';
import type { Patient } from './patient.ts';
import { openToRead } from './store.ts';

const usage = 'preau doctor [--json] [--bundle FILE [--log FILE]]';

/** Opened once somebody asks for rows, and only then. */
function patientOf(version: string, now: number): Patient & { close: () => Promise<void> } {
  const { config, faults } = readConfigAsFarAsRight();
  const patient: Omit<Patient, 'rows'> = { config, faults, providers: [], now, version };
  try {
    patient.providers = readIdentity(config.PREAU_IDENTITY);
  } catch (error) {
    if (!(error instanceof IdentityFaults)) throw error;
    patient.faults = [...faults, ...error.faults];
  }
  let opened: Database | undefined;
  return {
    ...patient,
    rows: () => {
      opened ??= openToRead(databaseTarget(config));
      return opened;
    },
    close: async () => opened?.destroy(),
  };
}

/** Returns the exit code: 0 when all is well, 1 with warnings, 2 with errors. Whoever calls it ends
 * the process afterwards: what hangs is left behind. */
export async function runDoctor(
  args: readonly string[],
  { version, now, say }: { version: string; now: number; say: (text: string) => void },
): Promise<number> {
  let asked: { json?: boolean; bundle?: string; log?: string };
  try {
    asked = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean' }, bundle: { type: 'string' }, log: { type: 'string' } },
    }).values;
  } catch {
    say(`Usage: ${usage}`);
    return 2;
  }
  const patient = patientOf(version, now);
  try {
    return await examineAndSay(patient, asked, say);
  } finally {
    await patient.close();
  }
}

async function examineAndSay(
  patient: Patient,
  asked: { json?: boolean; bundle?: string; log?: string },
  say: (text: string) => void,
): Promise<number> {
  const found = await examine(patient);
  say(asked.json === true ? asJson(found) : inWords(found));
  if (asked.bundle !== undefined) {
    await writeBundle({ patient, found, path: asked.bundle, log: asked.log ?? null });
    if (asked.json !== true) say(`Support bundle: ${asked.bundle}`);
  }
  return exitCodeOf(found);
}
