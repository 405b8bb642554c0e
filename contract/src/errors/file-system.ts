/** What the operating system's errors about files mean, for the controller and for the agent. */

const meanings = [
  [/^(ENOSPC|EDQUOT)$/, 'DISK_FULL'],
  [/^(EMFILE|ENFILE|ENOMEM|EAGAIN)$/, 'OUT_OF_RESOURCES'],
  [/^(EROFS|EACCES|EPERM|EIO|ENOTDIR|ESTALE)$/, 'DATA_FOLDER_UNUSABLE'],
] as const;

/** Null for an error that says nothing about the disk or the machine. */
export function fileSystemFailure(error: unknown): (typeof meanings)[number][1] | null {
  const code = error instanceof Error ? ((error as { code?: unknown }).code ?? '') : '';
  return meanings.find(([shape]) => typeof code === 'string' && shape.test(code))?.[1] ?? null;
}
