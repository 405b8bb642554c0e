/** A kind of recipe that is new in the contract must not be forgotten anywhere: each table over the
 * kinds stops compiling until it has an entry. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const contract = resolve(root, 'contract/src/application.ts');
const find = (pattern: string): string => {
  const [path, ...others] = globSync(pattern, { cwd: root });
  if (path === undefined || others.length > 0) throw new Error(`not one file: ${pattern}`);
  return path;
};
const agent = find('agent/src/drivers/linux/recipes/table.ts');
const tables = {
  facts: find('contract/src/recipe-kinds.ts'),
  agent,
  words: find('console/src/**/recipe-words.ts'),
  form: find('console/src/**/recipe-forms.ts'),
};

const { config } = ts.readConfigFile(resolve(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const compilerOptions: ts.CompilerOptions = {
  ...options,
  incremental: false,
  noEmit: true,
  skipLibCheck: true,
};
const real = ts.createCompilerHost(compilerOptions);
/** Read once for all: only the contract differs. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Tables with an error, and what the compiler misses there, when the contract reads like this. */
function errorsWith(text: string): Record<string, string> {
  const host: ts.CompilerHost = {
    ...real,
    getSourceFile: (path, version) => {
      if (resolve(path) === contract) return ts.createSourceFile(path, text, version);
      if (!parsed.has(path)) parsed.set(path, real.getSourceFile(path, version));
      return parsed.get(path);
    },
  };
  const roots = Object.values(tables).map((path) => resolve(root, path));
  const program = ts.createProgram(roots, compilerOptions, host);
  const errors = roots.flatMap((path) => {
    const [error] = program.getSemanticDiagnostics(program.getSourceFile(path));
    return error === undefined
      ? []
      : [[path.slice(root.length + 1), ts.flattenDiagnosticMessageText(error.messageText, '\n')]];
  });
  return Object.fromEntries(errors) as Record<string, string>;
}

const written = readFileSync(contract, 'utf8');
const withMember = (union: 'LinuxRecipe' | 'WindowsRecipe'): string => {
  const head = `export const ${union} = Type.Union([`;
  if (!written.includes(head)) throw new Error(`no ${head} in ${dirname(contract)}`);
  return written.replace(
    head,
    `${head} Strict({ kind: Type.Literal('trial'), file: PackageFile, ...common }),`,
  );
};

describe('a recipe kind', { timeout: 120_000 }, () => {
  test('that is known everywhere compiles', () => expect(errorsWith(written)).toEqual({}));
  test.each([
    ['LinuxRecipe', Object.values(tables)],
    ['WindowsRecipe', Object.values(tables).filter((path) => path !== agent)],
  ] as const)('that is new in %s is asked for by each table', (union, expected) => {
    const errors = errorsWith(withMember(union));
    expect(Object.keys(errors).sort()).toEqual([...expected].sort());
    for (const message of Object.values(errors)) expect(message).toContain("'trial' is missing");
  });
});
