/** Dates as day numbers, for arithmetic. Independent of time zones and calendars. */
export const dayMs = 86_400_000;

/** Days since 1970-01-01; NaN for an invalid date. */
export const dayOfDate = (date: string): number => Date.parse(`${date}T00:00:00Z`) / dayMs;
export const dateOfDay = (day: number): string =>
  Number.isFinite(day) ? new Date(day * dayMs).toISOString().slice(0, 10) : '';
/** 1 is Monday. */
export const weekdayOf = (day: number): number => ((((day + 3) % 7) + 7) % 7) + 1;
/** Minutes since midnight, for HH:MM. */
export const minutesOf = (time: string): number =>
  Number(time.slice(0, 2)) * 60 + Number(time.slice(3, 5));
