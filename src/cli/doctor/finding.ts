/** One thing that a validator needs: what was found, and how to mend what is not as it should be. */
export type Finding = Readonly<{
  name: string;
  status: 'ok' | 'warning' | 'fault' | 'unknown';
  found: string;
  /** What to do; null when there is nothing to do. */
  mend: string | null;
}>;

/** Something that was looked for: a value, or why it can't be had. */
export type Looked<T> = Readonly<{ value: T } | { reason: string }>;

export function ok(name: string, found: string): Finding {
  return { name, status: 'ok', found, mend: null };
}

export function warning(name: string, found: string, mend: string): Finding {
  return { name, status: 'warning', found, mend };
}

export function fault(name: string, found: string, mend: string): Finding {
  return { name, status: 'fault', found, mend };
}

/** What can't be told before something else is mended. */
export function unknown(name: string, found: string): Finding {
  return { name, status: 'unknown', found, mend: null };
}
