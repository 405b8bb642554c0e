/** The columns of the error table. The sentences are for the person concerned, and each ends with
 * what to do next. */
export interface ErrorRow {
  /** HTTP status. */
  status: number;
  /** The same call may succeed later. */
  retryable: boolean;
  fr: string;
  en: string;
}
