/** Classes stand in the portal for teachers, and under administration for technicians: the same
 * pages. */
import { page } from '../lib/page.svelte.ts';

export const base = (): string => (page.path.startsWith('/admin/') ? '/admin/classes' : '/classes');

/** A shared tablet comes back to its class's page when a child has signed out. */
const kept = 'class-page';
export const keepClassPage = (code: string | null): void =>
  code === null ? sessionStorage.removeItem(kept) : sessionStorage.setItem(kept, code);
export const afterSignOut = (): string => {
  const code = sessionStorage.getItem(kept);
  return code === null ? '/' : `/classe/${code}`;
};
