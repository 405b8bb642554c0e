/** What the console's modules ask of a browser, for tests without one: signals are plain values, and
 * the window has a place and a memory. Import modules only after it. */
import { vi } from 'vitest';

function memory(): Storage {
  const kept = new Map<string, string>();
  return {
    get length() {
      return kept.size;
    },
    clear: () => kept.clear(),
    getItem: (key) => kept.get(key) ?? null,
    key: (at) => [...kept.keys()][at] ?? null,
    removeItem: (key) => void kept.delete(key),
    setItem: (key, value) => void kept.set(key, value),
  };
}

/** `language`: of the browser. */
export function openBrowser(language = 'fr-FR'): {
  /** As the browser does when it happens to the window. */
  happens: (event: string) => void;
} {
  const listeners = new Map<string, Set<() => void>>();
  vi.stubGlobal('$state', (value: unknown) => value);
  vi.stubGlobal('window', globalThis);
  vi.stubGlobal('location', {
    origin: 'https://preau.example',
    pathname: '/',
    search: '',
  });
  vi.stubGlobal('localStorage', memory());
  vi.stubGlobal('sessionStorage', memory());
  vi.stubGlobal('navigator', { language });
  vi.stubGlobal('document', { documentElement: { lang: '' } });
  vi.stubGlobal('addEventListener', (event: string, listener: () => void) => {
    listeners.set(event, (listeners.get(event) ?? new Set()).add(listener));
  });
  vi.stubGlobal('removeEventListener', (event: string, listener: () => void) => {
    listeners.get(event)?.delete(listener);
  });
  return {
    happens: (event) => {
      for (const listener of [...(listeners.get(event) ?? [])]) listener();
    },
  };
}
