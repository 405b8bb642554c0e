import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkSvg, isSvg, maxSvg } from './svg.ts';

const svg = (inside: string, more = '') =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"${more}>${inside}</svg>`;

const doubling = (draw: (id: string) => string) =>
  Array.from({ length: 60 }, (_, at) => `<g id="a${at}">${draw(`a${at + 1}`).repeat(2)}</g>`).join(
    '',
  );

describe('is let in', () => {
  // biome-ignore format: a table
  const cases: [name: string, text: string][] = [
    ['shapes', svg('<rect width="64" height="64" rx="14" fill="#ffe3d3"/><path d="M31 12c13 0-1.5,3e2z"/>')],
    ['a gradient of its own', svg('<defs><linearGradient id="a"><stop offset="0%" stop-color="red"/></linearGradient></defs><g fill="url(#a)"/>')],
    ['a part used twice', svg('<g id="b"><circle cx="1" cy="2" r="3"/></g><use href="#b" x="9"/>')],
    ['Inkscape’s: everything has a name', svg('<defs><clipPath id="c"><rect id="r"/></clipPath></defs><g id="layer1" clip-path="url(#c)"><g id="g2"><path id="p"/></g><use id="u" href="#p"/></g>')],
    ['a gradient that goes on from another', svg('<linearGradient id="a"/><linearGradient id="b" href="#a"/><rect fill="url(#b)"/><rect fill="url(#b)"/>')],
    ['a title and a comment', svg('<title>Un dessin, à la main</title><!-- a comment -->')],
    ['a declaration before it', `<?xml version="1.0" encoding="UTF-8"?>\n${svg('')}\n`],
  ];
  test.each(cases)('%s', (_name, text) => {
    expect(isSvg(Buffer.from(checkSvg(text)))).toBe(true);
  });
  test('every drawing of the starter catalogue', () => {
    const folder = join(import.meta.dirname, '../../../../packaging/catalogue/icons');
    for (const name of readdirSync(folder).filter((one) => one.endsWith('.svg')))
      expect(checkSvg(readFileSync(join(folder, name), 'utf8')), name).toContain('<svg');
  });
});

describe('is refused', () => {
  // biome-ignore format: a table
  const cases: [name: string, text: string, why: string | RegExp][] = [
    ['a script', svg('<script>alert(1)</script>'), 'the element script'],
    ['a script in capitals', svg('<SCRIPT/>'), 'the element SCRIPT'],
    ['a handler', svg('', ' onload="alert(1)"'), 'the attribute onload'],
    ['a page inside', svg('<foreignObject/>'), 'the element foreignObject'],
    ['a picture from elsewhere', svg('<image href="https://evil.example/x.png"/>'), 'the element image'],
    ['a link', svg('<a href="#b"/>'), 'the element a'],
    ['a style sheet', svg('<style>*{}</style>'), 'the element style'],
    ['a style', svg('<rect style="fill:red"/>'), 'the attribute style'],
    ['an animation', svg('<animate/>'), 'the element animate'],
    ['a part of another file', svg('<use href="other.svg#b"/>'), 'the value of href'],
    ['data in a reference', svg('<use href="data:image/svg+xml,x"/>'), 'the value of href'],
    ['the old reference', svg('<use xlink:href="#b"/>'), 'the attribute xlink:href'],
    ['a paint from elsewhere', svg('<rect fill="url(https://evil.example/#a)"/>'), 'the value of fill'],
    ['a paint with two addresses', svg('<rect fill="url(#a) url(//evil.example)"/>'), 'the value of fill'],
    ['an entity', svg('<title>&lol;</title>'), /not an SVG image/],
    ['a document type', `<!DOCTYPE svg>${svg('')}`, /not an SVG image/],
    ['an instruction', `<?xml-stylesheet href="x"?>${svg('')}`, /not an SVG image/],
    ['raw data', svg('<![CDATA[x]]>'), /not an SVG image/],
    ['text beside shapes', svg('hello'), 'text between shapes'],
    ['another namespace', '<svg xmlns="http://www.w3.org/1999/xhtml" viewBox="0 0 1 1"/>', /^the namespace/],
    ['no view box: it would not grow', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'no view box'],
    ['two images', svg('') + svg(''), 'not one SVG image'],
    ['an image cut short', svg('<g>').replace('</svg>', ''), 'not a whole SVG image'],
    ['tags that cross', svg('<g></path>'), '</path> closes nothing'],
    ['a page', '<html></html>', 'not one SVG image'],
    ['nothing', '', 'not a whole SVG image'],
    ['a PNG', '\u0089PNG\r\n', /not a|text/],
    ['a part that draws itself', svg('<g id="a"><use href="#a"/></g>'), 'a part draws itself'],
    ['two that draw each other', svg('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>'), 'a part draws itself'],
    ['uses that double at each step', svg(doubling((id) => `<use href="#${id}"/>`)), /^[0-9.e+]+ shapes$/],
    ['masks that double at each step', svg(doubling((id) => `<rect mask="url(#${id})"/>`)), /^[0-9.e+]+ shapes$/],
    ['groups in groups without end', svg('<g>'.repeat(3000) + '</g>'.repeat(3000)), 'shapes in shapes in shapes'],
    ['too much', svg(`<title>${'a'.repeat(maxSvg)}</title>`), /characters$/],
  ];
  test.each(cases)('%s', (_name, text, why) => {
    const told = (): unknown => {
      try {
        return checkSvg(text);
      } catch (error) {
        return (error as { details: { why: string } }).details.why;
      }
    };
    if (typeof why === 'string') expect(told()).toBe(why);
    else expect(told()).toMatch(why);
  });
  test('in a time that does not explode', () => {
    const started = performance.now();
    expect(() => checkSvg(svg(`<path${' d="a"'.repeat(6000)}`))).toThrow();
    expect(() => checkSvg(`<svg ${'a'.repeat(30_000)}`)).toThrow();
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
