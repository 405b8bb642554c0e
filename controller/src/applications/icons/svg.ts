/** Checks icons that come as SVG. Such a file could carry script, styles and references to elsewhere;
 * only plain shapes are let in, by name, and everything else is refused. Pure. */
import { AppError } from '@preau/contract/errors.ts';
import { budget } from '#src/platform/budget.ts';

/** In characters. */
export const maxSvg = budget.files.svgCharacters;
const { svgDeep: deepest, svgShapes: mostShapes } = budget.files;

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
const ofThisFile = /^url\(#([A-Za-z][\w-]*)\)$/;
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
  drawing.mustBeDrawnSoon();
  return svg;
}

/** An element: what stands inside it, the ids of what it draws besides, and how many shapes that
 * makes with everything below. */
interface Part {
  inside: Part[];
  draws: string[];
  shapes: number | 'unknown' | 'counting';
}

/** What has been read of one image. */
class Drawing {
  readonly #open: { name: string; part: Part }[] = [];
  readonly #ids = new Map<string, Part>();
  #whole: Part | null = null;
  #ended = false;

  text(words: string): void {
    const inside = this.#open.at(-1)?.name;
    if (words.trim() !== '' && inside !== 'title' && inside !== 'desc')
      throw refuse('text between shapes');
  }

  open(element: string, given: string, closesItself: boolean): void {
    const isFirst = this.#open.length === 0;
    if (this.#ended || (isFirst && element !== 'svg')) throw refuse('not one SVG image');
    if (!elements.has(element)) throw refuse(`the element ${element}`);
    if (isFirst && !/\sviewBox="/.test(given)) throw refuse('no view box');
    if (this.#open.length >= deepest) throw refuse('shapes in shapes in shapes');
    checkAttributes(element, given);
    const part: Part = { inside: [], draws: [], shapes: 'unknown' };
    for (const [, name = '', value = ''] of given.matchAll(attribute)) {
      if (name === 'id' && !this.#ids.has(value)) this.#ids.set(value, part);
      const drawn = name === 'href' ? value.slice(1) : ofThisFile.exec(value)?.[1];
      if (drawn !== undefined) part.draws.push(drawn);
    }
    this.#whole ??= part;
    this.#open.at(-1)?.part.inside.push(part);
    if (closesItself) this.#ended ||= isFirst;
    else this.#open.push({ name: element, part });
  }

  close(element: string): void {
    if (this.#open.pop()?.name !== element) throw refuse(`</${element}> closes nothing`);
    this.#ended ||= this.#open.length === 0;
  }

  mustBeWhole(): void {
    if (!this.#ended || this.#open.length > 0) throw refuse('not a whole SVG image');
  }

  /** A part that draws another twice, which draws a third one twice, doubles a browser's work each
   * time. */
  mustBeDrawnSoon(): void {
    const shapesOf = (part: Part): number => {
      if (part.shapes === 'counting') throw refuse('a part draws itself');
      if (part.shapes !== 'unknown') return part.shapes;
      part.shapes = 'counting';
      const drawn = part.draws.flatMap((id) => this.#ids.get(id) ?? []);
      const shapes = [...part.inside, ...drawn].reduce((sum, one) => sum + shapesOf(one), 1);
      part.shapes = shapes;
      return shapes;
    };
    const shapes = this.#whole === null ? 0 : shapesOf(this.#whole);
    if (shapes > mostShapes) throw refuse(`${shapes} shapes`);
  }
}

/** Whether stored bytes are an SVG; else they are a PNG. */
export const isSvg = (bytes: Buffer): boolean => bytes.toString('latin1', 0, 4) === '<svg';
