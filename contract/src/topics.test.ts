import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { audiences, isTopic, kindOfTopic, namedBy, type PageTopic, type Topic } from './topics.ts';

test.each<[Topic, kind: string, named: string]>([
  ['sites', 'sites', ''],
  ['person:acc_1', 'person', 'acc_1'],
  ['sign-in:a:b', 'sign-in', 'a:b'],
])('%s is of the kind %s and names "%s"', (topic, kind, named) => {
  expect(kindOfTopic(topic)).toBe(kind);
  expect(namedBy(topic)).toBe(named);
  expect(isTopic(topic)).toBe(true);
});

test.each(['', '*', 'desired-state', 'constructor', 'toString:1', 'school:sit_1'])(
  '"%s" is no topic',
  (text) => {
    expect(isTopic(text)).toBe(false);
  },
);

test('what a topic may be, and what a page may be told, is known to the compiler', () => {
  const told: PageTopic[] = ['portal', 'classes', 'person:acc_1', 'addition:add_1'];
  // @ts-expect-error: nobody is woken by a name that is not in the table
  const unknown: Topic = 'school';
  // @ts-expect-error: a list has no id
  const named: Topic = 'sites:sit_1';
  // @ts-expect-error: pages are not told of a server's desired state
  const ofAgents: PageTopic = 'agent:srv_1';
  // @ts-expect-error: a page whose sign-in is over is disconnected, not told
  const over: PageTopic = 'sign-in:hash';
  expect([...told, unknown, named, ofAgents, over]).toHaveLength(8);
});

test('who hears which topic, beyond the controller', () => {
  const heardBy = (to: string) =>
    Object.entries<{ to: string }>(audiences)
      .filter(([, row]) => row.to === to)
      .map(([kind]) => kind);
  expect(heardBy('everyone')).toEqual(['portal']);
  expect(heardBy('teachers')).toEqual(['classes']);
  expect(heardBy('contacts')).toEqual(['requests']);
  expect(heardBy('person')).toEqual(['person']);
  expect(heardBy('sign-in')).toEqual(['sign-in']);
  expect(heardBy('agent')).toEqual(['agent', 'retired']);
  expect(heardBy('nobody')).toEqual(['mail', 'session', 'rollout']);
});

/** What the compiler says of topics.ts, once changed. */
function problemsOf(change: (source: string) => string): string[] {
  const path = fileURLToPath(new URL('topics.ts', import.meta.url));
  const source = change(readFileSync(path, 'utf8'));
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2024,
    lib: ['lib.es2024.d.ts'],
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, ...rest) =>
    name === path
      ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2024)
      : getSourceFile(name, ...rest);
  return ts
    .getPreEmitDiagnostics(ts.createProgram([path], options, host))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

test('a kind of topic without its row does not compile', () => {
  expect(problemsOf((source) => source)).toEqual([]);
  for (const [type, kind] of [
    ['ListTopic', 'school'],
    ['NamingKind', 'school'],
  ] as const)
    expect(
      problemsOf((source) => source.replace(`export type ${type} =`, `$& '${kind}'`)).join(),
    ).toContain(`Property '${kind}' is missing`);
}, 30_000);
