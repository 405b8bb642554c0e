import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, test } from 'vitest';
import { ApplicationDraft, AptRecipe, DetectionRule } from './application.ts';
import { EnrolmentRequest } from './enrolment.ts';
import { DisplayCredentials } from './report.ts';
import { Id, Line, Nullable, Slug, Strict, TimeZone, Translated } from './schema.ts';
import { TunnelQuery } from './session.ts';

const accepts = (schema: TSchema, value: unknown) => Compile(schema).Check(value);

test.each([
  ['Europe/Paris', true],
  ['Indian/Reunion', true],
  ['Europe/Pari', false],
  ['', false],
  [1, false],
])('the time zone %s', (name, ok) => expect(accepts(TimeZone, name)).toBe(ok));

describe('Line', () => {
  const cases: [name: string, text: string, ok: boolean][] = [
    ['plain', 'École Victor-Hugo', true],
    ['quotes and markup are only text', `<script>alert("l'été")</script>`, true],
    ['emoji', 'Classe 🦊', true],
    ['Arabic', 'مدرسة', true],
    ['two dots inside a word', 'etc…..fin', true],
    ['empty', '', false],
    ['only a blank', ' ', false],
    ['blank first', ' a', false],
    ['line feed', 'a\nb', false],
    ['trailing line feed', 'a\n', false],
    ['carriage return', 'a\rb', false],
    ['NUL', 'a\u0000b', false],
    ['escape sequence', '\u001b[31mred', false],
    ['DEL', 'a\u007f', false],
    ['C1 control', 'a\u009bm', false],
    ['climbing path', '../../etc/passwd', false],
    ['climbing path inside', 'a/../b', false],
    ['climbing path of Windows', 'a..\\b', false],
    ['right-to-left override', 'gpj.\u202eexe', false],
    ['direction isolate', 'a\u2066b\u2069', false],
    ['exactly long enough', 'a'.repeat(40), true],
    ['too long', 'a'.repeat(41), false],
  ];
  test.each(cases)('%s', (_name, text, ok) => expect(accepts(Line(40), text)).toBe(ok));
  test('both languages are checked', () => {
    expect(accepts(Translated(40), { fr: 'Dessin', en: 'Drawing' })).toBe(true);
    expect(accepts(Translated(40), { fr: 'Dessin', en: 'a\u202eb' })).toBe(false);
    expect(accepts(Translated(40), { fr: 'Dessin' })).toBe(false);
  });
});

describe('Id, Slug, Strict', () => {
  const id = `app_${'a'.repeat(22)}`;
  const cases: [name: string, schema: TSchema, value: unknown, ok: boolean][] = [
    ['id', Id('app'), id, true],
    ['id of another kind', Id('app'), `srv_${'a'.repeat(22)}`, false],
    ['id with a path', Id('app'), `app_../${'a'.repeat(19)}`, false],
    ['id with more behind', Id('app'), `${id}\n`, false],
    ['id inside something', Id('app'), `x${id}`, false],
    ['slug', Slug, 'tux-paint', true],
    ['slug in capitals', Slug, 'Tux', false],
    ['slug that is an option', Slug, '-rf', false],
    ['null where allowed', Nullable(Slug), null, true],
    ['unknown field', Strict({ a: Slug }), { a: 'ok', b: 1 }, false],
    ['missing field', Strict({ a: Slug }), {}, false],
  ];
  test.each(cases)('%s', (_name, schema, value, ok) => expect(accepts(schema, value)).toBe(ok));
});

describe('recipes', () => {
  const recipe = {
    kind: 'apt',
    packages: ['geogebra'],
    detect: { kind: 'package', package: 'geogebra' },
    launch: { command: ['/usr/bin/geogebra'] },
    icon: { desktopFile: 'geogebra.desktop' },
  };
  // biome-ignore format: a table
  const cases: [name: string, value: unknown, ok: boolean][] = [
    ['complete', recipe, true],
    ['no package', { ...recipe, packages: [] }, false],
    ['the same package twice', { ...recipe, packages: ['a1', 'a1'] }, false],
    ['a package that is an option', { ...recipe, packages: ['--allow-unauthenticated'] }, false],
    ['a package with a blank', { ...recipe, packages: ['a b'] }, false],
    ['a package that is a path', { ...recipe, packages: ['./evil.deb'] }, false],
    ['a shell line instead of a list', { ...recipe, launch: { command: 'geogebra; rm -rf /' } }, false],
    ['an empty command', { ...recipe, launch: { command: [] } }, false],
    ['an argument with NUL', { ...recipe, launch: { command: ['geogebra', 'a\u0000'] } }, false],
    ['an argument with a line feed', { ...recipe, launch: { command: ['geogebra', 'a\nb'] } }, false],
    ['a desktop file elsewhere', { ...recipe, icon: { desktopFile: '../../etc/x.desktop' } }, false],
    ['a script of one’s own', { ...recipe, script: 'curl | sh' }, false],
    ['another kind', { ...recipe, kind: 'shell' }, false],
  ];
  test.each(cases)('%s', (_name, value, ok) => expect(accepts(AptRecipe, value)).toBe(ok));

  const paths: [path: string, ok: boolean][] = [
    ['/usr/bin/geogebra', true],
    ['/opt/app-1.2/.hidden/run', true],
    ['usr/bin/geogebra', false],
    ['/usr/../etc/shadow', false],
    ['/..', false],
    ['/usr/./bin', false],
    ['/usr//bin', false],
    ['/usr/bin/', false],
    ['/usr/bin/a b', false],
    ['/usr/bin/*', false],
    ['/usr/bin/$(id)', false],
    ['/usr/bin/a\n', false],
    ['/..a/b..', true],
  ];
  test.each(paths)('path %j', (path, ok) =>
    expect(accepts(DetectionRule, { kind: 'file', path })).toBe(ok),
  );

  test('a draft with a direction override in its name', () => {
    const draft = {
      slug: 'geogebra',
      name: { fr: 'GeoGebra', en: 'GeoGebra' },
      description: { fr: 'Figures', en: 'Figures' },
      category: 'mathematics',
      version: '6.0',
      recipes: { linux: recipe },
    };
    expect(accepts(ApplicationDraft, draft)).toBe(true);
    expect(accepts(ApplicationDraft, { ...draft, name: { fr: 'a\u202e', en: 'a' } })).toBe(false);
    expect(accepts(ApplicationDraft, { ...draft, version: '1;rm' })).toBe(false);
    expect(accepts(ApplicationDraft, { ...draft, category: 'malware' })).toBe(false);
  });
});

describe('bounds of what machines send', () => {
  const attachment = {
    serial: 1,
    host: '127.0.0.1',
    port: 3389,
    username: 'preau-1',
    password: 'a'.repeat(22),
  };
  const size = { width: 800, height: 600, dpi: 96, layout: 'fr-fr-azerty' };
  // biome-ignore format: a table
  const cases: [name: string, schema: TSchema, value: unknown, ok: boolean][] = [
    ['attachment', DisplayCredentials, attachment, true],
    ['attachment to a host with a blank', DisplayCredentials, { ...attachment, host: 'a b' }, false],
    ['attachment to port 0', DisplayCredentials, { ...attachment, port: 0 }, false],
    ['attachment with a short password', DisplayCredentials, { ...attachment, password: 'abc' }, false],
    ['screen', TunnelQuery, size, true],
    ['screen of 100000 pixels', TunnelQuery, { ...size, width: 100_000 }, false],
    ['screen of 1 pixel', TunnelQuery, { ...size, height: 1 }, false],
    ['unknown keyboard', TunnelQuery, { ...size, layout: 'x' }, false],
    ['code in small letters', EnrolmentRequest, { code: 'abcd-abcd-abcd-abcd-abcd-abcd', publicKey: 'a'.repeat(43), hostname: 'h', protocol: 1 }, false],
    ['code', EnrolmentRequest, { code: 'ABCD-ABCD-ABCD-ABCD-ABCD-2345', publicKey: 'a'.repeat(43), hostname: 'h', protocol: 1 }, true],
  ];
  test.each(cases)('%s', (_name, schema, value, ok) => expect(accepts(schema, value)).toBe(ok));
});
