/** Checks icons that come as SVG. Such a file could carry script, styles and references to elsewhere;
 * only plain shapes are let in, by name, and everything else is refused. Pure. */
import { AppError } from '@preau/contract/errors.ts';
import { budget } from '#src/platform/budget.ts';

/** In characters. */
export const maxSvg = budget.files.svgCharacters;

const elements: ReadonlySet<string> = new Set(
  (
    'svg g defs title desc path rect circle ellipse line polyline polygon clipPath mask use ' +
    'linearGradient radialGradient stop'
  ).split(' '),
);
const attributes: ReadonlySet<string> = new Set(
  (
    'id viewBox width height x y x1 y1 x2 y2 cx cy r rx ry fx fy d points transform opacity fill ' +
    'fill-rule fill-opacity clip-rule clip-path mask stroke stroke-width stroke-linecap ' +
    'stroke-linejoin stroke-miterlimit stroke-dasharray stroke-dashoffset stroke-opacity offset ' +
    'stop-color stop-opacity gradientUnits gradientTransform spreadMethod clipPathUnits maskUnits ' +
    'preserveAspectRatio href'
  ).split(' '),
);
const plainValue = /^[A-Za-z0-9#%.,+\-() \t\n_]*$/;
const ofThisFile = /^url\(#[A-Za-z][\w-]*\)$/;
const fragment = /^#[A-Za-z][\w-]*$/;
const namespace = 'http://www.w3.org/2000/svg';

const declaration = /^<\?xml version="1\.0"( encoding="(utf|UTF)-8")?\?>/;
const part =
  /<!--(?:(?!--)[\s\S])*-->|<\/([A-Za-z]+)\s*>|<([A-Za-z]+)((?:\s+[A-Za-z][\w:-]*="[^"<&]*")*)\s*(\/?)>|([^<&]+)/y;
const attribute = /\s+([A-Za-z][\w:-]*)="([^"<&]*)"/g;

const refuse = (why: string) => new AppError('ICON_REFUSED', { why });

function checkAttributes(element: string, text: string): void {
  for (const [, name = '', value = ''] of text.matchAll(attribute)) {
    if (element === 'svg' && name === 'xmlns') {
      if (value !== namespace) throw refuse(`the namespace ${value.slice(0, 60)}`);
    } else if (!attributes.has(name)) throw refuse(`the attribute ${name}`);
    else if (name === 'href' ? !fragment.test(value) : !isPlain(value))
      throw refuse(`the value of ${name}`);
  }
}
/** `url(…)` names a part of this file, and nothing else has parentheses but numbers. */
const isPlain = (value: string) =>
  ofThisFile.test(value) || (plainValue.test(value) && !/url/i.test(value));

/** Refuses with ICON_REFUSED what is not a small, well-formed SVG of plain shapes with a view box.
 * Returns the text as it is stored. */
export function checkSvg(text: string): string {
  if (text.length > maxSvg) throw refuse(`${text.length} characters`);
  const svg = text.replace(declaration, '').trim();
  const drawing = new Drawing();
  part.lastIndex = 0;
  while (part.lastIndex < svg.length) {
    const at = part.lastIndex;
    const found = part.exec(svg);
    if (found === null) throw refuse(`not an SVG image at character ${at}`);
    const [, closed, opened, given = '', closesItself, words] = found;
    if (words !== undefined) drawing.text(words);
    else if (closed !== undefined) drawing.close(closed);
    else if (opened !== undefined) drawing.open(opened, given, closesItself !== '');
  }
  drawing.mustBeWhole();
  return svg;
}

/** What has been read of one image. */
class Drawing {
  readonly #open: string[] = [];
  #ended = false;

  text(words: string): void {
    const inside = this.#open.at(-1);
    if (words.trim() !== '' && inside !== 'title' && inside !== 'desc')
      throw refuse('text between shapes');
  }

  open(element: string, given: string, closesItself: boolean): void {
    const isFirst = this.#open.length === 0;
    if (this.#ended || (isFirst && element !== 'svg')) throw refuse('not one SVG image');
    if (!elements.has(element)) throw refuse(`the element ${element}`);
    if (isFirst && !/\sviewBox="/.test(given)) throw refuse('no view box');
    checkAttributes(element, given);
    if (closesItself) this.#ended ||= isFirst;
    else this.#open.push(element);
  }

  close(element: string): void {
    if (this.#open.pop() !== element) throw refuse(`</${element}> closes nothing`);
    this.#ended ||= this.#open.length === 0;
  }

  mustBeWhole(): void {
    if (!this.#ended || this.#open.length > 0) throw refuse('not a whole SVG image');
  }
}

/** Whether stored bytes are an SVG; else they are a PNG. */
export const isSvg = (bytes: Buffer): boolean => bytes.toString('latin1', 0, 4) === '<svg';
