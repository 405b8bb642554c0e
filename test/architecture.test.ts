/** Keeps docs/architecture true: who may import whom, who may read the environment, who may start
 * processes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { nouns } from './nouns.ts';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

function filesIn(folder: string): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name.startsWith('.') || entry.name === 'build')
      return [];
    const inner = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesIn(inner) : [inner];
  });
}

/** Written for tests, imported only by them. */
const isForTests = (file: string) => /\.(test|cases|fixture)\.ts$/.test(file);
const sources = ['contract', 'controller', 'agent', 'console', 'cli']
  .flatMap((name) => filesIn(`${name}/src`))
  .filter((file) => /\.(ts|mjs|svelte)$/.test(file));
const product = sources.filter((file) => !isForTests(file));
const text = (file: string) => readFileSync(join(root, file), 'utf8');

/** The script part of a Svelte file, the whole of another. */
const script = (file: string) =>
  file.endsWith('.svelte')
    ? [...text(file).matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)]
        .map((match) => match[1] ?? '')
        .join('\n')
    : text(file);

interface Import {
  from: string;
  /** As written. */
  name: string;
  /** The file inside this repository, or null for a library. */
  to: string | null;
}

function importsOf(file: string): Import[] {
  return ts.preProcessFile(script(file), true, true).importedFiles.map(({ fileName: name }) => {
    const workspace = file.split('/')[0] ?? '';
    if (name.startsWith('#src/'))
      return { from: file, name, to: `${workspace}/src/${name.slice('#src/'.length)}` };
    if (name.startsWith('.'))
      return { from: file, name, to: relative(root, resolve(root, dirname(file), name)) };
    const own = /^@preau\/([a-z]+)\/(.+)$/.exec(name);
    return { from: file, name, to: own === null ? null : `${own[1]}/src/${own[2]}` };
  });
}
const imports = product.flatMap(importsOf);
const told = (list: readonly Import[]) => list.map(({ from, name }) => `${from} imports ${name}`);

describe('imports point one way', () => {
  test('there is something to look at, and every import of ours leads to a file', () => {
    expect(product.length).toBeGreaterThan(60);
    expect(imports.length).toBeGreaterThan(300);
    const missing = imports.filter(
      ({ to, from }) => to !== null && !from.startsWith('console/') && !existsSync(join(root, to)),
    );
    expect(told(missing)).toEqual([]);
  });

  test('contract imports the schema library, those for dates and addresses, and nothing else', () => {
    expect(
      told(
        imports.filter(
          ({ from, to, name }) =>
            from.startsWith('contract/') &&
            (to === null
              ? !/^(typebox|temporal-polyfill|ipaddr\.js)(\/|$)/.test(name)
              : !to.startsWith('contract/')),
        ),
      ),
    ).toEqual([]);
  });

  test.each(['agent', 'console', 'controller', 'cli'])(
    '%s imports no other workspace than contract',
    (workspace) => {
      const others = [
        'contract',
        'controller',
        'agent',
        'console',
        'cli',
        'dev',
        'test',
        'packaging',
      ].filter((name) => name !== workspace && name !== 'contract');
      expect(
        told(
          imports.filter(
            ({ from, to }) =>
              from.startsWith(`${workspace}/`) &&
              to !== null &&
              others.some((other) => to.startsWith(`${other}/`)),
          ),
        ),
      ).toEqual([]);
    },
  );

  const folderOf = (file: string | null) =>
    /^controller\/src\/([^/]+)\//.exec(file ?? '')?.[1] ?? null;

  test('every folder of the controller is one we know', () => {
    expect([...new Set(product.map(folderOf).filter((folder) => folder !== null))].sort()).toEqual(
      [...nouns, 'alarms', 'commands', 'edge', 'platform'].sort(),
    );
  });
  test('platform imports no noun, no edge and no alarm', () => {
    expect(
      told(
        imports.filter(
          ({ from, to }) =>
            folderOf(from) === 'platform' &&
            [...nouns, 'edge', 'alarms'].includes(folderOf(to) ?? ''),
        ),
      ),
    ).toEqual([]);
  });
  test.each(nouns)('%s imports only nouns before it, no edge and no alarm', (noun) => {
    const later = [...nouns.slice(nouns.indexOf(noun) + 1), 'edge', 'alarms'];
    expect(
      told(
        imports.filter(
          ({ from, to }) => folderOf(from) === noun && later.includes(folderOf(to) ?? ''),
        ),
      ),
    ).toEqual([]);
  });
  test('edge and alarms do not know each other: only controller.ts starts both', () => {
    const starters = ['edge', 'alarms'];
    expect(
      told(
        imports.filter(
          ({ from, to }) =>
            starters.includes(folderOf(to) ?? '') &&
            folderOf(from) !== folderOf(to) &&
            from !== 'controller/src/controller.ts',
        ),
      ),
    ).toEqual([]);
  });
  test('a store does not know another noun’s verbs', () => {
    expect(
      told(
        imports.filter(
          ({ from, to }) =>
            from.endsWith('/store.ts') &&
            to !== null &&
            nouns.includes(folderOf(to) ?? '') &&
            folderOf(to) !== folderOf(from),
        ),
      ),
    ).toEqual([]);
  });
  test('what is written for tests is imported by tests only', () => {
    expect(told(imports.filter(({ to }) => to !== null && isForTests(to)))).toEqual([]);
  });
  test('only drivers and what starts the agent know an operating system’s driver', () => {
    expect(
      told(
        imports.filter(
          ({ from, to }) =>
            to !== null &&
            /^agent\/src\/drivers\/(linux|windows)\//.test(to) &&
            !from.startsWith('agent/src/drivers/') &&
            from !== 'agent/src/main.ts',
        ),
      ),
    ).toEqual([]);
  });

  test('there is no cycle, of types neither', () => {
    const graph = new Map<string, string[]>(product.map((file) => [file, []]));
    for (const { from, to } of imports) if (to !== null && graph.has(to)) graph.get(from)?.push(to);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: readonly string[]) => {
      const at = path.indexOf(file);
      if (at >= 0) cycles.push([...path.slice(at), file].join(' → '));
      else if (!done.has(file)) {
        for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
        done.add(file);
      }
    };
    for (const file of graph.keys()) visit(file, []);
    expect(cycles).toEqual([]);
  });
});

/** Every TypeScript file that is ours, tests too. */
const everything = [
  ...sources,
  ...['dev', 'test', 'packaging']
    .flatMap(filesIn)
    .filter((file) => /(?<!\.local)\.(ts|mjs)$/.test(file)),
];

describe('one place for each effect', () => {
  test('process.env is read in config.ts only (and by what starts and tests the product)', () => {
    const readers = everything.filter(
      (file) =>
        /\bprocess\s*(\.|\[\s*['"])env\b/.test(script(file)) ||
        /import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'node:process'/.test(script(file)),
    );
    expect(
      readers.filter(
        (file) =>
          !/^(controller|agent|cli)\/src\/config\.ts$/.test(file) &&
          !/^(dev|test|packaging)\//.test(file) &&
          !/\.test\.ts$/.test(file),
      ),
    ).toEqual([]);
  });

  test('processes are started by agent/src/command.ts, backups/programs.ts and five tools of dev/ only', () => {
    const spawners = everything.filter(
      (file) =>
        importsOf(file).some(({ name }) => /^(node:)?(child_process|cluster)$/.test(name)) ||
        /getBuiltinModule|createRequire/.test(script(file).replace(/\/[*/].*/g, '')),
    );
    const allowed = [
      'agent/src/command.ts',
      'controller/src/backups/programs.ts',
      'dev/services.ts',
      'dev/bootstrap/programs.mjs',
      'dev/lab/host.ts',
      'dev/year/installation.ts',
    ];
    expect(
      spawners.filter(
        (file) =>
          ![...allowed, 'dev/check.ts', 'dev/tested-with.ts'].includes(file) &&
          !/^(test|packaging)\//.test(file),
      ),
    ).toEqual([]);
    expect(spawners).toEqual(expect.arrayContaining(allowed));
  });

  test(
    'the agent writes files in files.ts and command.ts only, and calls the network in ' +
      'controller-link.ts, way-out.ts and packages/peers.ts only',
    () => {
      const of = (pattern: RegExp) =>
        [
          ...new Set(
            imports
              .filter(({ from, name }) => from.startsWith('agent/') && pattern.test(name))
              .map(({ from }) => from),
          ),
        ].sort();
      const verbs =
        'write|append|mkdir|mkdtemp|rm|rmdir|unlink|rename|copyFile|cp|chmod|chown|symlink|link|' +
        'truncate|createWriteStream|open';
      const writesFiles = new RegExp(
        `\\b(${verbs})(File|Stream)?(Sync)?\\b[^;]*\\} from 'node:fs(/promises)?'`,
      );
      const writers = product.filter(
        (file) => file.startsWith('agent/') && writesFiles.test(script(file)),
      );
      expect(writers).toEqual(['agent/src/command.ts', 'agent/src/files.ts']);
      expect(of(/^(node:)?(http|https|http2|tls|dgram)$|^(socket\.io-client|undici|ws)$/)).toEqual([
        'agent/src/controller-link.ts',
        'agent/src/packages/peers.ts',
        'agent/src/way-out.ts',
      ]);
      expect(
        product.filter(
          (file) =>
            file.startsWith('agent/') &&
            file !== 'agent/src/controller-link.ts' &&
            /\bfetch\(/.test(script(file)),
        ),
      ).toEqual([]);
    },
  );

  test('SQL is written in stores, migrations and the files that open databases only', () => {
    const writers = product.filter(
      (file) =>
        file.startsWith('controller/') &&
        /\.(selectFrom|insertInto|updateTable|deleteFrom)\(/.test(script(file)),
    );
    expect(writers.filter((file) => !/\/store\.ts$/.test(file))).toEqual([]);
    const knowers = [
      ...new Set(
        imports
          .filter(
            ({ from, name }) =>
              from.startsWith('controller/') && /^(kysely|pg|better-sqlite3)(\/|$)/.test(name),
          )
          .map(({ from }) => from),
      ),
    ];
    expect(
      knowers.filter(
        (file) =>
          !/\/store\.ts$/.test(file) &&
          !/^controller\/src\/platform\/(database|own-folder|sqlite|(rollout-)?tables)\.ts$/.test(
            file,
          ) &&
          !/^controller\/src\/backups\/database-copy\.ts$|\/migrations\//.test(file),
      ),
    ).toEqual([]);
  });

  test('the controller reads the time from its clock', () => {
    const readers = product.filter(
      (file) => file.startsWith('controller/') && /\bDate\.now\(\)|new Date\(\)/.test(script(file)),
    );
    expect(
      readers.filter(
        (file) => !['controller/src/platform/clock.ts', 'controller/src/main.ts'].includes(file),
      ),
    ).toEqual([]);
  });
  test('agent and console go by the city’s time, and count durations with what never jumps', () => {
    const readers = product.filter(
      (file) => /^(agent|console)\//.test(file) && /\bDate\.now\(\)/.test(script(file)),
    );
    expect(readers).toEqual([
      // Waits between two of its own calls.
      'console/src/schools/Fleet.svelte',
      // Measures how long its own message takes.
      'console/src/session/tunnel.ts',
      // Compares with what the page before this one wrote down.
      'console/src/shell/reload-when-back.ts',
    ]);
  });
});

describe('a file can be read', () => {
  const widest = 120;
  const most = 500;
  const code = ['contract', 'controller', 'agent', 'console', 'cli', 'dev', 'test']
    .flatMap(filesIn)
    .filter((file) => /\.(ts|svelte)$/.test(file));

  /** The lines, from 0, of statements and lists that the formatter leaves as they are. */
  function linesOfTables(file: string): Set<number> {
    const source = ts.createSourceFile(file, text(file), ts.ScriptTarget.Latest, true);
    const lines = new Set<number>();
    const lineAt = (place: number) => source.getLineAndCharacterOfPosition(place).line;
    const visit = (node: ts.Node): void => {
      const before = source.text.slice(node.getFullStart(), node.getStart(source));
      if (before.includes('biome-ignore format'))
        for (let at = lineAt(node.getStart(source)); at <= lineAt(node.end); at += 1) lines.add(at);
      else ts.forEachChild(node, visit);
    };
    visit(source);
    return lines;
  }

  test('no line is wider than 120 columns, but in a table', () => {
    const wide = code.flatMap((file) => {
      const found = text(file)
        .split('\n')
        .flatMap((line, at) => ([...line].length > widest ? [at] : []));
      if (found.length === 0) return [];
      const tables = linesOfTables(file);
      return found.filter((at) => !tables.has(at)).map((at) => `${file}:${at + 1}`);
    });
    expect(wide).toEqual([]);
  });

  test('none of the product is longer than 500 lines', () => {
    const long = product
      .map((file) => ({ file, lines: text(file).split('\n').length - 1 }))
      .filter(({ lines }) => lines > most);
    expect(long).toEqual([]);
  });
});

describe('types are kept', () => {
  const looseIn = (file: string): string[] => {
    const source = ts.createSourceFile(
      file,
      script(file),
      ts.ScriptTarget.Latest,
      true,
      ts.ScriptKind.TS,
    );
    const found: string[] = [];
    const at = (node: ts.Node) =>
      `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    const visit = (node: ts.Node) => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(`${at(node)} any`);
      if (ts.isNonNullExpression(node)) found.push(`${at(node)} !`);
      ts.forEachChild(node, visit);
    };
    visit(source);
    if (/^\s*\/[/*]\s*@ts-(ignore|nocheck)/m.test(script(file))) found.push(`${file} @ts-ignore`);
    return found;
  };
  test('no `any`, no `!`, no @ts-ignore', () => {
    expect(everything.filter((file) => !file.endsWith('.mjs')).flatMap(looseIn)).toEqual([]);
  });
  test('no barrel', () => {
    expect(product.filter((file) => /(^|\/)index\.ts$/.test(file))).toEqual([]);
  });
});
