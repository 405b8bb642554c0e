/** Printed badges: A4, eight cards, cutting lines. Everything is drawn as paths or with standard
 * PDF fonts, so that no external image or font can be missing. */
import { colours, drawings } from '@preau/contract/drawings.ts';
import { withoutAccents } from '@preau/contract/fold.ts';
import PdfDocument from 'pdfkit';
import QrCode from 'qrcode';
import type { Card } from './card.ts';

/** Millimetres to points (72 per inch). */
const mm = (length: number): number => (length * 72) / 25.4;
const page = { width: mm(210), height: mm(297) };
const card = { width: mm(95), height: mm(68), columns: 2, rows: 4 };
const margin = {
  x: (page.width - card.columns * card.width) / 2,
  y: (page.height - card.rows * card.height) / 2,
};
const ink = '#17282f';
const soft = '#4a5f68';

/** `size`: in points; reduced when the text is too wide. */
interface LineStyle {
  font?: string;
  size: number;
  width: number;
  colour: string;
}

/** The standard PDF fonts cover western European letters only: other letters lose their
 * diacritics where possible, and are dropped otherwise. Pure. */
export function printable(text: string): string {
  const known =
    /[\u0020-\u007e\u00a0-\u00ff\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u2013\u2014\u2018\u2019\u2026]/;
  const alike: Readonly<Record<string, string>> = {
    Ł: 'L',
    ł: 'l',
    Đ: 'D',
    đ: 'd',
    ı: 'i',
    Ħ: 'H',
    ħ: 'h',
  };
  return (
    [...text.normalize('NFC')]
      .map((letter) =>
        known.test(letter)
          ? letter
          : (alike[letter] ??
            [...withoutAccents(letter)].filter((part) => known.test(part)).join('')),
      )
      .join('')
      .trim() || '?'
  );
}

/** Dark modules of the QR code, as one path of row runs; the caller leaves the white quiet zone
 * around it. */
function codePath(text: string): { size: number; path: string } {
  const { modules } = QrCode.create(text, { errorCorrectionLevel: 'M' });
  let path = '';
  for (let row = 0; row < modules.size; row += 1) {
    for (let column = 0; column < modules.size; column += 1) {
      const from = column;
      while (column < modules.size && modules.get(row, column) === 1) column += 1;
      if (column > from) path += `M${from} ${row}H${column}V${row + 1}H${from}Z`;
    }
  }
  return { size: modules.size, path };
}

/** The largest size at which the text fits, down to half; beyond that the text is shortened. */
function fitted(
  document: PDFKit.PDFDocument,
  text: string,
  size: number,
  width: number,
): { text: string; size: number } {
  let [shown, at] = [printable(text), size];
  while (at > size / 2 && document.fontSize(at).widthOfString(shown) > width) at -= 0.5;
  while (shown.length > 1 && document.fontSize(at).widthOfString(shown) > width)
    shown = `${shown.slice(0, -2)}…`;
  return { text: shown, size: at };
}

function drawCard(
  document: PDFKit.PDFDocument,
  { firstName, className, siteName, picture, serial, text }: Card,
  x: number,
  y: number,
): void {
  const inner = mm(5);
  const code = { side: mm(46), x: x + card.width - inner - mm(46), y: y + inner };
  const left = { x: x + inner, width: card.width - 3 * inner - code.side };
  const { size, path } = codePath(text);
  document
    .save()
    .translate(code.x, code.y)
    .scale(code.side / size)
    .path(path)
    .fill('#000000')
    .restore();

  const side = mm(27);
  document
    .save()
    .translate(left.x + (left.width - side) / 2, y + inner)
    .roundedRect(0, 0, side, side, mm(5))
    .fill(colours[picture.colour] ?? colours[0])
    .scale(side / 100);
  for (const shape of drawings[picture.animal]) document.path(shape.d).fill(shape.fill);
  document.restore();

  const wide = card.width - 2 * inner;
  const line = (
    words: string,
    at: number,
    { font = 'Helvetica', size, width, colour }: LineStyle,
  ) => {
    document.font(font);
    const fit = fitted(document, words, size, width);
    document
      .fontSize(fit.size)
      .fillColor(colour)
      .text(fit.text, left.x, y + at, { width: width + 4, lineBreak: false });
  };
  line(firstName, mm(35), { font: 'Helvetica-Bold', size: 19, width: left.width, colour: ink });
  line(className, mm(43.5), { size: 12, width: left.width, colour: ink });
  line(siteName, mm(54), { size: 10, width: wide, colour: soft });
  line(
    `Mon badge Préau, n° ${serial}. Perdu ? Préviens ton enseignant : il en fait un autre.`,
    mm(60),
    { size: 7, width: wide, colour: soft },
  );
}

function drawCuts(document: PDFKit.PDFDocument): void {
  document.save().lineWidth(0.5).dash(3, { space: 3 }).strokeColor('#93a5aa');
  for (let column = 0; column <= card.columns; column += 1)
    document
      .moveTo(margin.x + column * card.width, margin.y - mm(4))
      .lineTo(margin.x + column * card.width, page.height - margin.y + mm(4))
      .stroke();
  for (let row = 0; row <= card.rows; row += 1)
    document
      .moveTo(margin.x - mm(4), margin.y + row * card.height)
      .lineTo(page.width - margin.x + mm(4), margin.y + row * card.height)
      .stroke();
  document.restore();
}

export async function drawSheet(cards: readonly Card[]): Promise<Buffer> {
  const document = new PdfDocument({
    size: 'A4',
    margin: 0,
    autoFirstPage: false,
    lang: 'fr-FR',
    info: {
      Title: printable(`Badges ${cards[0]?.className ?? ''}`),
      Creator: 'Préau',
      Producer: 'Préau',
    },
  });
  const parts: Buffer[] = [];
  document.on('data', (part: Buffer) => parts.push(part));
  const written = new Promise<Buffer>((resolve, reject) => {
    document.on('end', () => resolve(Buffer.concat(parts)));
    document.on('error', reject);
  });
  const perPage = card.columns * card.rows;
  for (const [at, each] of cards.entries()) {
    const place = at % perPage;
    if (place === 0) {
      document.addPage();
      drawCuts(document);
    }
    drawCard(
      document,
      each,
      margin.x + (place % card.columns) * card.width,
      margin.y + Math.floor(place / card.columns) * card.height,
    );
    // Yields after each page, so that printing a thousand badges does not delay sign-ins.
    if (place === perPage - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  document.end();
  return written;
}
