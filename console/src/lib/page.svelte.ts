/** The page's address, the signed-in account and the language. */
import type { Account } from '@preau/contract/account.ts';
import { type InOneLanguage, inLanguage, type Language, type Table } from './words.ts';

const stored = localStorage.getItem('language');
const initial: Language =
  stored === 'fr' || stored === 'en' ? stored : navigator.language.startsWith('en') ? 'en' : 'fr';

export const page = $state({
  path: location.pathname,
  search: location.search,
  language: initial,
  account: null as Account | null,
  online: true,
  /** The proxy in front answers for a controller that is not there. */
  restarting: false,
  /** What the page shows, for the window's title: a school, an application. */
  name: null as string | null,
});

/** A noun's sentences: `const words = messages({ title: { fr: 'Écoles', en: 'Schools' } })`, then
 * `commonWords().title`, in the language of the page. */
export function messages<const T extends Table>(table: T): () => InOneLanguage<T> {
  const told: Partial<Record<Language, InOneLanguage<T>>> = {};
  return () => {
    told[page.language] ??= inLanguage(table, page.language);
    return told[page.language] ?? inLanguage(table, page.language);
  };
}

export function setLanguage(language: Language): void {
  page.language = language;
  localStorage.setItem('language', language);
  document.documentElement.lang = language;
}
document.documentElement.lang = initial;

/** Titles the window after what the page shows, until the page closes. Call during component
 * set-up. */
export function nameWindow(name: () => string | null | undefined): void {
  $effect(() => {
    page.name = name() ?? null;
    return () => (page.name = null);
  });
}

/** Asked before the page is left; null unless something on it is unsaved. */
let keeper: ((leave: () => void) => void) | null = null;
const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
/** Makes leaving this page ask first, until the returned function is called. Call inside
 * `$effect`. */
export function askBeforeLeaving(ask: (leave: () => void) => void): () => void {
  keeper = ask;
  addEventListener('beforeunload', warn);
  return () => {
    if (keeper === ask) keeper = null;
    removeEventListener('beforeunload', warn);
  };
}

export function go(path: string, replace = false): void {
  if (keeper !== null) {
    keeper(() => {
      keeper = null;
      go(path, replace);
    });
    return;
  }
  if (replace) history.replaceState(null, '', path);
  else history.pushState(null, '', path);
  page.path = location.pathname;
  page.search = location.search;
  window.scrollTo(0, 0);
}
addEventListener('popstate', () => {
  if (keeper !== null) {
    const wanted = location.pathname + location.search;
    history.pushState(null, '', page.path + page.search);
    go(wanted);
    return;
  }
  page.path = location.pathname;
  page.search = location.search;
});

/** Click handler for links: navigates in the page unless the person asks for a new tab. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget as HTMLAnchorElement;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
