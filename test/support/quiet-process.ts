import { afterEach, beforeEach, expect, vi } from 'vitest';

/** For every test of a file: nothing is printed, and no rejection is left unhandled. */
export function quietProcess(): void {
  const unhandled: unknown[] = [];
  const keep = (error: unknown): void => void unhandled.push(error);
  beforeEach(() => {
    process.on('unhandledRejection', keep);
    for (const name of ['log', 'warn', 'error'] as const) vi.spyOn(console, name);
  });
  afterEach(() => {
    process.off('unhandledRejection', keep);
    expect(unhandled.splice(0)).toEqual([]);
    for (const name of ['log', 'warn', 'error'] as const) {
      expect(vi.mocked(console[name]).mock.calls).toEqual([]);
    }
    vi.restoreAllMocks();
  });
}
