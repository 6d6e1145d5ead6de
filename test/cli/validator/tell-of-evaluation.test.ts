import { expect, test } from 'vitest';
import { loopCheck, noticesTo } from '#src/cli/validator/tell-of-evaluation.ts';
import { newLoopState } from '#src/handlers/validator-loop.ts';
import { createMetrics } from '#src/http/metrics.ts';

const CROWDED = { run: 'run-7', members: 48, room: 32 };

test('a roster that is larger than the cluster’s quota is warned of with both figures, and with what to do', () => {
  const lines: (readonly [object, string])[] = [];
  const ignored = (): void => undefined;
  const warn = (fields: object, message: string): void => void lines.push([fields, message]);
  const logger = { debug: ignored, info: ignored, warn, error: ignored };

  noticesTo({ metrics: createMetrics(), logger }).onCrowded(CROWDED);

  expect(lines).toEqual([[CROWDED, expect.stringContaining('deploy/k8s/miners/limits.yaml')]]);
  expect(lines[0]?.[1]).toContain('EIREL_RUNTIME_CPU_MILLIS');
});

test('readiness says how many submissions find room, and stays well', () => {
  const counts = { busy: 8, waiting: 1, defects: 0, noOracle: 0 };
  const seen = { ...counts, holdup: null, crowded: [CROWDED], progress: [] };
  expect(loopCheck(newLoopState(), seen)).toEqual({
    name: 'evaluation',
    ok: true,
    detail: '8 pairs at work, 1 wait, 32 of the 48 submissions of run-7 find room at once',
  });
});
