/** A page's entry in the tables: its code, fetched when first shown, and its title. */
import type { Account } from '@preau/contract/account.ts';
import type { Component } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import { type PageName, type ParamsOf, placeOf } from './paths.ts';

interface PageRow<N extends PageName> {
  load: () => Promise<{ default: Component<ParamsOf<N>> | Component<Record<string, never>> }>;
  /** The window title when the page sets none of its own. */
  title: { fr: string; en: string };
  /** The navigation entry it belongs to, if not its own. */
  under?: PageName;
  /** Created anew when the query of its address changes. */
  byQuery?: true;
  /** Several addresses share one page, which reads the address itself. */
  stays?: true;
  /** Who may see it; everybody by default. */
  who?: (account: Account) => boolean;
}
/** The compiler checks a page's properties against the parameters of its address. */
export type PageRows<Among extends PageName> = { readonly [N in Among]: PageRow<N> };

/** A page's code, whatever the parameters of its address. */
export type PageComponent = Component<Record<string, string>>;
export type AnyRow = Omit<PageRow<'home'>, 'load'> & { load: () => Promise<unknown> };

const fetched = new SvelteMap<AnyRow['load'], PageComponent>();
export const fetchedPage = (row: AnyRow): PageComponent | undefined => fetched.get(row.load);

/** Fetches a page's code once; rejects when loading fails. */
export async function fetchPage(row: AnyRow): Promise<void> {
  if (fetched.has(row.load)) return;
  const { default: page } = (await row.load()) as { default: PageComponent };
  fetched.set(row.load, page);
}

/** Prefetches a page's code; a failure is ignored, as the page itself tries again. */
export function fetchAhead(path: string, rowOf: (name: PageName) => AnyRow | null): void {
  const place = placeOf(path);
  const row = place === null ? null : rowOf(place.name);
  if (row !== null) fetchPage(row).catch(() => undefined);
}

/** Prefetches a link's page on hover and focus. For `pointerover`, `focusin`. */
export const reachFor =
  (rowOf: (name: PageName) => AnyRow | null) =>
  ({ target }: Event): void => {
    const link = target instanceof Element ? target.closest('a') : null;
    if (link !== null && link.origin === location.origin) fetchAhead(link.pathname, rowOf);
  };
