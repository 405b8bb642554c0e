/** How a command ends: an exit code for scripts, a message for people. */
import type { Word } from './words.ts';

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  unreachable: 4,
  needsApproval: 5,
  paused: 6,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Invalid usage; nothing was sent. */
export class UsageError extends Error {
  readonly word: Word;
  readonly values: Record<string, string>;
  constructor(word: Word, values: Record<string, string> = {}, options?: { cause?: unknown }) {
    super(word, options);
    this.name = 'UsageError';
    this.word = word;
    this.values = values;
  }
}

/** The controller refused the call, with its own message. */
export class Refused extends Error {
  readonly code: string;
  readonly said: { fr: string; en: string };
  readonly details: Record<string, unknown>;
  constructor(refusal: {
    code: string;
    message: { fr: string; en: string };
    details?: Record<string, unknown>;
  }) {
    super(refusal.code);
    this.name = 'Refused';
    this.code = refusal.code;
    this.said = refusal.message;
    this.details = refusal.details ?? {};
  }
}

/** No reply, or not a reply of Préau. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}
