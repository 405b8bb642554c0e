/** `npm run bench -- NAME [--json]`: measures, and says whether the aims hold. One JSON object on
 * standard output with `--json`, a table without; progress on standard error. Exits with 0 when it
 * measured, whatever it found. */
import type { Figure } from './bench/figures.ts';

/** `words`: the whole command line, for options of a single benchmark. */
type Measure = (
  tell: (text: string) => void,
  signal: AbortSignal,
  words: readonly string[],
) => Promise<Figure[]>;

const benches: Record<string, () => Promise<Measure>> = {
  launch: async () => (await import('./bench/launch.ts')).measureLaunch,
  gateway: async () => (await import('./bench/gateway.ts')).measureGateway,
  rollout: async () => (await import('./bench/rollout.ts')).measureRollout,
  rules: async () => (await import('./bench/rules.ts')).measureRules,
  morning: async () => (await import('./bench/morning.ts')).measureMorning,
  console: async () => (await import('./bench/console.ts')).measureConsole,
  fleet: async () => (await import('./bench/fleet.ts')).measureFleet,
  siege: async () => (await import('./bench/siege.ts')).measureSiege,
  keep: async () => (await import('./bench/keep.ts')).measureKeep,
};

const words = process.argv.slice(2);
const name = words.find((word) => !word.startsWith('--')) ?? '';
const load = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (load === undefined) {
  console.error(
    `Which benchmark? ${Object.keys(benches).join(' or ')}. For example: npm run bench -- ${Object.keys(benches)[0]}`,
  );
  process.exit(2);
}

const measure = await load();
// An interrupted benchmark still ends what it started.
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => abort.abort(new Error(`called off by ${signal}`)));
// Missing numbers (a run without a single sample) must fail loudly rather than become `null`.
const figures = await measure((text) => console.error(`• ${text}`), abort.signal, words).catch(
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
const missing = figures.filter((figure) => !Number.isFinite(figure.value));
if (missing.length > 0) {
  console.error(
    `not measured: ${missing.map((figure) => `${figure.id} ${JSON.stringify(figure.detail)}`).join(', ')}`,
  );
  process.exit(1);
}
if (words.includes('--json'))
  console.log(JSON.stringify({ bench: name, at: new Date().toISOString(), figures }));
else {
  for (const figure of figures) {
    console.log(
      `${figure.holds ? '✓' : '✗'} ${figure.id.padEnd(36)} ` +
        `${String(figure.value).padStart(9)} ${figure.unit.padEnd(6)} aim ${figure.aim}`,
    );
    console.log(`    ${JSON.stringify(figure.detail)}`);
  }
}
process.exit(0);
