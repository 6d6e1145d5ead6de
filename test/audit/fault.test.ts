import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { BUNDLE_CODES } from '#src/audit/bundle-step.ts';
import { FAULT_CODES, gatherFaults, MAX_FAULTS } from '#src/audit/fault.ts';

test('the page for auditors says what each code means', async () => {
  const page = await readFile(new URL('../../docs/auditing.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  for (const code of [...FAULT_CODES, ...Object.keys(BUNDLE_CODES)])
    expect(
      rows.filter((row) => row.split('|')[1]?.includes(`\`${code}\``)),
      code,
    ).toHaveLength(1);
});

test('so many faults are told, and then it is enough', () => {
  const faults = gatherFaults();
  for (let index = 0; index < MAX_FAULTS + 5; index++) {
    expect(faults.full()).toBe(index >= MAX_FAULTS);
    faults.add({ code: 'order-broken', index, expected: 'order', found: 'none' });
  }
  expect(faults.list()).toHaveLength(MAX_FAULTS);
  expect(faults.list().at(-1)).toMatchObject({ index: MAX_FAULTS - 1, where: null });
});
