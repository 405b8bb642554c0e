/** What the table of errors says of a code. The sentences are for the person in front of it, and each
 * ends with what to do next. */
export interface ErrorRow {
  /** Of HTTP. */
  status: number;
  /** The same call may succeed later. */
  retryable: boolean;
  fr: string;
  en: string;
}
