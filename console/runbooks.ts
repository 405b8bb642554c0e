/** Makes a page of each runbook, so that the console can lead a technician to the paragraph that
 * helps while the rest of Préau does not work. Knows the Markdown that the runbooks use. */
import { readdirSync, readFileSync } from 'node:fs';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const inline = (text: string): string =>
  escaped(text)
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replace(/\[([^\]]+)\]\(([a-z-]+)\.md(#[a-z-]+)?\)/g, '<a href="$2.html$3">$1</a>')
    .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1');

/** The HTML of one runbook. A heading may name its anchor: `## Le disque est plein {#plein}`. */
export function pageOf(markdown: string): string {
  const blocks = markdown.split(/\n{2,}/).map((block) => {
    const heading = /^(#{1,4}) (.*?)(?: \{#([a-z-]+)\})?$/.exec(block.trim());
    if (heading !== null) {
      const [, marks = '#', words = '', anchor] = heading;
      const tag = `h${marks.length}`;
      return `<${tag}${anchor === undefined ? '' : ` id="${anchor}"`}>${inline(words)}</${tag}>`;
    }
    if (block.startsWith('```'))
      return `<pre>${escaped(block.replace(/^```\w*\n/, '').replace(/\n?```\s*$/, ''))}</pre>`;
    const items = block.split(/\n(?=(?:[-*]|\d+\.) )/);
    if (items.every((item) => /^([-*]|\d+\.) /.test(item))) {
      const tag = /^\d/.test(block) ? 'ol' : 'ul';
      const made = items.map((item) => `<li>${inline(item.replace(/^([-*]|\d+\.) /, ''))}</li>`);
      return `<${tag}>${made.join('')}</${tag}>`;
    }
    return `<p>${inline(block)}</p>`;
  });
  const title = /^# (.*)$/m.exec(markdown)?.[1] ?? 'Préau';
  return `<!doctype html><html lang="fr"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)} · Préau</title>
<style>body{font:17px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1d2a28}
pre,code{background:#eef2f1;border-radius:6px;overflow-wrap:anywhere;white-space:pre-wrap}pre{padding:.8rem}
code{padding:.1rem .3rem}:target{background:#ffe9b0}</style>
<body>${blocks.join('\n')}</body></html>
`;
}

/** File names, such as `database.html`, and their pages. */
export const runbookPages = (folder: string): [name: string, page: string][] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => [
      name.replace('.md', '.html'),
      pageOf(readFileSync(`${folder}/${name}`, 'utf8')),
    ]);
