import { z } from 'zod';

/** A problem document (RFC 9457). The members after `instance` appear where they mean something. */
export const Problem = z.strictObject({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  instance: z.string(),
  /** Of 400: what is wrong, what it was, what it should be. */
  field: z.string().optional(),
  value: z.string().optional(),
  expected: z.string().optional(),
  /** Of 425: the block that must be finalised before the thing is served. */
  untilBlock: z.int().min(0).optional(),
  /** Of 404: why there is nothing, as a code. */
  reason: z.string().optional(),
});
export type Problem = z.infer<typeof Problem>;

/** What is said of one problem beside its kind. */
export type Members = Omit<Problem, 'type' | 'title' | 'status' | 'instance'>;

/** Characters of a client's own text that are given back: enough to recognise it. */
const ECHO_MAX = 80;

/**
 * The members of a problem from an error's details. Only those meant for a client leave the process;
 * whatever else an error carries is for the operator's log.
 */
export function membersOf(details: Readonly<Record<string, unknown>>): Members {
  const field = echo(details['field']);
  const value = echo(details['value']);
  const expected = details['expected'] === undefined ? undefined : text(details['expected']);
  const { detail, untilBlock, reason } = details;
  return {
    detail: typeof detail === 'string' ? detail : sentence(field, value, expected),
    ...(field === undefined ? {} : { field }),
    ...(value === undefined ? {} : { value }),
    ...(expected === undefined ? {} : { expected }),
    ...(typeof untilBlock === 'number' ? { untilBlock } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
  };
}

function sentence(field = 'the request', value?: string, expected?: string): string {
  const found = value === undefined ? 'is missing or malformed' : `is ${JSON.stringify(value)}`;
  return `${field} ${found}${expected === undefined ? '' : `; expected ${expected}`}`;
}

function echo(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const whole = text(value);
  return whole.length > ECHO_MAX ? `${whole.slice(0, ECHO_MAX)}…` : whole;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
