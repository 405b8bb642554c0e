/** A shared tablet comes back to its class's page when a child has signed out. */
import { paths } from '../shell/paths.ts';

const kept = 'class-page';
export const keepClassPage = (code: string | null): void =>
  code === null ? sessionStorage.removeItem(kept) : sessionStorage.setItem(kept, code);
export const afterSignOut = (): string => {
  const code = sessionStorage.getItem(kept);
  return code === null ? paths.home() : paths.classEntry({ code });
};
