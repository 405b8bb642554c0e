/** Loads the controller with its tables in memory: the verbs are the product's own, files with SQL
 * are replaced by those in stores/. Import it before anything of the controller. */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const root = new URL('../../', import.meta.url);
const instead: Readonly<Record<string, string>> = {
  'controller/src/rollouts/store.ts': 'rollouts.ts',
  'controller/src/rollouts/plan/store.ts': 'rollouts.ts',
  'controller/src/rollouts/plan/questions/store.ts': 'rollouts.ts',
  'controller/src/rollouts/run/store.ts': 'rollouts.ts',
  'controller/src/rollouts/schedules/store.ts': 'rollouts.ts',
  'controller/src/rollouts/targets/store.ts': 'rollouts.ts',
  'controller/src/rollouts/targets/pages/store.ts': 'rollouts.ts',
  'controller/src/rollouts/waves/store.ts': 'rollouts.ts',
  'controller/src/servers/store.ts': 'servers.ts',
  'controller/src/servers/enrolment/store.ts': 'servers.ts',
  'controller/src/servers/desired/store.ts': 'servers.ts',
  'controller/src/servers/desired/parts/store.ts': 'servers.ts',
  'controller/src/servers/reported/store.ts': 'servers.ts',
  'controller/src/sites/store.ts': 'others.ts',
  'controller/src/applications/store.ts': 'others.ts',
  'controller/src/applications/icons/store.ts': 'others.ts',
  'controller/src/applications/packages/store.ts': 'others.ts',
  'controller/src/applications/scripts/store.ts': 'others.ts',
  'controller/src/audit/store.ts': 'others.ts',
  'controller/src/rules/documents.ts': 'others.ts',
  'controller/src/rules/store.ts': 'others.ts',
  'controller/src/platform/stamps/store.ts': 'others.ts',
  'controller/src/sessions/settle.ts': 'others.ts',
  'controller/src/sessions/quarantine.ts': 'others.ts',
};
const exported = (text: string): string[] =>
  [...text.matchAll(/^export (?:async )?(?:function|const) (\w+)/gm)].map(([, name]) => name ?? '');

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    const name = resolved.url.startsWith(root.href)
      ? instead[resolved.url.slice(root.href.length)]
      : undefined;
    return name === undefined
      ? resolved
      : { ...resolved, url: new URL(`dev/simulation/stores/${name}`, root).href };
  },
  load: (url, context, next) => {
    const loaded = next(url, context);
    const places = Object.entries(instead)
      .filter(([, name]) => url.endsWith(`/dev/simulation/stores/${name}`))
      .map(([place]) => place);
    if (places.length === 0) return loaded;
    // Exports that no simulated city needs are stubs that throw, which breaks the seed that calls
    // one.
    const text = readFileSync(new URL(url), 'utf8');
    const have = new Set(exported(text));
    const missing = [
      ...new Set(places.flatMap((place) => exported(readFileSync(new URL(place, root), 'utf8')))),
    ].filter((name) => !have.has(name));
    return {
      ...loaded,
      source: `${text}\n${missing
        .map(
          (name) =>
            `export const ` +
            `${name} = () => { throw new Error('the simulation has no ${name}'); };`,
        )
        .join('\n')}`,
    };
  },
});
