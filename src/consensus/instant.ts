import { z } from 'zod';

/** ISO 8601 as Python and JavaScript write it. Without an offset a time would depend on who reads it. */
const Timestamp = z.iso.datetime({ offset: true });

/**
 * The milliseconds since 1970 of an ISO 8601 time with offset, whatever its precision; null for any other
 * text. Leap seconds are unknown to it.
 */
export function instantOf(text: string): number | null {
  if (!Timestamp.safeParse(text).success) return null;
  const parts = /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):([\d.]+)(?:Z|([+-])(\d+):(\d+))$/.exec(text);
  if (parts === null) return null;
  const number = (index: number): number => Number(parts[index] ?? 0);
  const days = daysSince1970(number(1), number(2), number(3));
  const offset = (parts[7] === '-' ? -1 : 1) * (number(8) * 60 + number(9));
  const minutes = days * 1_440 + number(4) * 60 + number(5) - offset;
  return minutes * 60_000 + number(6) * 1_000;
}

/** Days of the proleptic Gregorian calendar. Years begin in March here, so that the leap day is their last. */
function daysSince1970(year: number, month: number, day: number): number {
  const inMarchYear = (month + 9) % 12;
  const years = year - (month <= 2 ? 1 : 0);
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  // Days from March to a month's start: 31, 61, 92 … by this rule.
  const beforeMonth = Math.floor((153 * inMarchYear + 2) / 5);
  return 365 * years + leapDays + beforeMonth + day - 1 - DAYS_TO_1970;
}

/** From the first of March of the year 0 to the first of January 1970. */
const DAYS_TO_1970 = 719_468;
