/** Sentences in both languages, side by side. */

export type Language = 'fr' | 'en';
/** One sentence, several in a row, or a function that builds one from a number or a name. */
type Sentence = string | readonly string[] | ((...of: never[]) => string | readonly string[]);
export interface Both {
  readonly fr: string;
  readonly en: string;
}
interface Pair {
  readonly fr: Sentence;
  readonly en: Sentence;
}
export interface Table {
  readonly [key: string]: Pair | Table;
}

/** The same table in one language. In both languages a sentence takes the same arguments. */
export type InOneLanguage<T> = {
  readonly [K in keyof T]: T[K] extends { readonly fr: infer F; readonly en: infer E }
    ? F extends string
      ? string
      : F extends readonly string[]
        ? readonly string[]
        : E extends F
          ? F
          : never
    : InOneLanguage<T[K]>;
};

const isPair = (node: Pair | Table): node is Pair => 'fr' in node && 'en' in node;

export function inLanguage<const T extends Table>(table: T, language: Language): InOneLanguage<T> {
  const told = Object.entries(table).map(([key, node]) => [
    key,
    isPair(node) ? node[language] : inLanguage(node, language),
  ]);
  return Object.fromEntries(told) as InOneLanguage<T>;
}
