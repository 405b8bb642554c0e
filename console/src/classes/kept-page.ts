/** Remembers the class page, so that a shared tablet returns to it after a child signs out. */
import { paths } from '../shell/paths.ts';

const kept = 'class-page';
export const keepClassPage = (code: string | null): void =>
  code === null ? sessionStorage.removeItem(kept) : sessionStorage.setItem(kept, code);
export const afterSignOut = (): string => {
  const code = sessionStorage.getItem(kept);
  return code === null ? paths.home() : paths.classEntry({ code });
};
