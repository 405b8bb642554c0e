/** Each failure of what Préau stands on has a runbook, and the runbook exists, in both forms. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { pageOf } from '../console/runbooks.ts';
import { runbookOf, runbooks } from '../contract/src/errors/runbooks.ts';
import { errors } from '../contract/src/errors.ts';

const folder = fileURLToPath(new URL('../docs/runbooks/', import.meta.url));

test.each(Object.entries(runbooks))('%s: %s exists and says when it is over', (code, runbook) => {
  const [file = '', anchor = ''] = runbook.split('#');
  expect(existsSync(folder + file)).toBe(true);
  const text = readFileSync(folder + file, 'utf8');
  const [, part = ''] = text.split(`{#${anchor}}`);
  const [section = ''] = part.split(/\n## /);
  for (const heading of ['Ce qu’on voit', 'Où regarder', 'Que faire', 'C’est fini quand'])
    expect(section).toContain(`**${heading}`);
  // The heading names the code, for whoever searches for it.
  expect(text.split('\n').find((line) => line.endsWith(`{#${anchor}}`))).toContain(code);
  expect(pageOf(text)).toContain(` id="${anchor}"`);
});

test('a code without a runbook has none, and each code with one exists', () => {
  expect(runbookOf('NOT_FOUND')).toBe(null);
  for (const code of Object.keys(runbooks)) expect(errors).toHaveProperty(code);
});

test('a page of a runbook shows lists, code and links to other runbooks', () => {
  expect(pageOf('# Titre\n\n- `un`\n- **deux**\n\n[restaurer](restore.md#ici) <script>')).toContain(
    '<ul><li><code>un</code></li><li><strong>deux</strong></li></ul>\n' +
      '<p><a href="restore.html#ici">restaurer</a> &lt;script&gt;</p>',
  );
});
