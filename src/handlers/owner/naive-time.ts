/**
 * A UTC time as the existing services write it: microseconds, and no offset. Takes RFC 3339 with milliseconds in UTC,
 * as the log has it.
 */
export function naiveTime(time: string): string {
  return time.replace('Z', '000');
}
