/** What the tables of pages say of each: its code, fetched when it is first shown, and its title. */
import type { Account } from '@preau/contract/account.ts';
import type { Component } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import { type PageName, type ParamsOf, placeOf } from './paths.ts';

interface PageRow<N extends PageName> {
  load: () => Promise<{ default: Component<ParamsOf<N>> | Component<Record<string, never>> }>;
  /** Shown by the browser where the page gives no name of its own. */
  title: { fr: string; en: string };
  /** The page of the navigation that it belongs to, when that is another. */
  under?: PageName;
  /** Begins anew when the question of its address changes. */
  byQuery?: true;
  /** Several addresses are one page, which looks at the address itself. */
  stays?: true;
  /** For whom; everybody when it is not said. */
  who?: (account: Account) => boolean;
}
/** The compiler compares a page's properties with what its address holds. */
export type PageRows<Among extends PageName> = { readonly [N in Among]: PageRow<N> };

/** A page's code, whatever its address holds. */
export type PageComponent = Component<Record<string, string>>;
export type AnyRow = Omit<PageRow<'home'>, 'load'> & { load: () => Promise<unknown> };

const fetched = new SvelteMap<AnyRow['load'], PageComponent>();
export const fetchedPage = (row: AnyRow): PageComponent | undefined => fetched.get(row.load);

/** Fetches a page's code once; rejects when it cannot be had now. */
export async function fetchPage(row: AnyRow): Promise<void> {
  if (fetched.has(row.load)) return;
  const { default: page } = (await row.load()) as { default: PageComponent };
  fetched.set(row.load, page);
}

/** Fetches a page's code before it is asked for; what cannot be had now is asked for again then. */
export function fetchAhead(path: string, rowOf: (name: PageName) => AnyRow | null): void {
  const place = placeOf(path);
  const row = place === null ? null : rowOf(place.name);
  if (row !== null) fetchPage(row).catch(() => undefined);
}

/** While somebody reaches for a link, what it leads to is fetched. For `pointerover`, `focusin`. */
export const reachFor =
  (rowOf: (name: PageName) => AnyRow | null) =>
  ({ target }: Event): void => {
    const link = target instanceof Element ? target.closest('a') : null;
    if (link !== null && link.origin === location.origin) fetchAhead(link.pathname, rowOf);
  };
