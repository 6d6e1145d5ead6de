import { expect, test } from 'vitest';
import { AppError } from '#src/errors.ts';

test('what is absent is written as nothing, and a bigint in digits', () => {
  const drift = [{ field: 'max_age', expected: 0, found: undefined }];
  expect(new AppError('stream.drift', { drift, of: undefined, bytes: 2n ** 64n }).message).toBe(
    'stream.drift: drift: [{"field":"max_age","expected":0,"found":"nothing"}], of: "nothing", bytes: "18446744073709551616"',
  );
});
